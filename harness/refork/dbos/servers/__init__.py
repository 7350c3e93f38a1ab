"""Database servers and connections to them: URLs, libpq, Databricks Lakebase, a temporary Postgres."""
