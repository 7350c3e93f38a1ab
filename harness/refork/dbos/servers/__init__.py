"""Database servers and how they are reached: URLs, libpq, Databricks Lakebase, a throw-away Postgres."""
