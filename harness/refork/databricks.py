"""Provides an engine that logs in with tokens, for applications whose DBOS runs on Databricks Lakebase.

Needs the extra ``refork[databricks]``. Nothing of DBOS is imported here.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa
    from databricks.sdk import WorkspaceClient

__all__ = ["lakebase_engine"]


def lakebase_engine(
    endpoint: str,
    database: str,
    *,
    user: str | None = None,
    profile: str | None = None,
    workspace: "WorkspaceClient | None" = None,
    parameters: "dict[str, str] | None" = None,
    **options: Any,
) -> "sa.Engine":
    """Return an engine for ``DBOSConfig["system_database_engine"]``, whose new connections always have a valid
    token.

    ``endpoint`` is the name of a database instance, or ``projects/<project>/branches/<branch>/endpoints/<endpoint>``.
    The host comes from Databricks, and so does the ``user``, who is whoever is logged in there; ``profile`` is one
    of ``~/.databrickscfg``, and ``workspace`` a client to use instead. ``parameters`` are libpq's, such as
    ``sslmode`` (default ``require``), ``sslrootcert``, ``host`` or ``port``; ``options`` are those of
    ``sqlalchemy.create_engine``. A token is kept until shortly before it expires.

    BadInputError for what can be no endpoint or parameter, and where the extra is missing; DatabaseError where
    Databricks refuses. Opening a connection raises DatabaseError too, where no token can be had.
    """
    from refork.dbos.servers.lakebase import lakebase_server  # noqa: PLC0415 - an extra, and heavy
    from refork.dbos.servers.url_parameters import checked  # noqa: PLC0415

    server = lakebase_server(
        endpoint,
        database,
        option="lakebase_engine",
        user=user,
        profile=profile,
        workspace=workspace,
        parameters=checked(parameters or {}, option="lakebase_engine"),
    )
    return server.engine(**options)
