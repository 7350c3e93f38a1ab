"""Opens a production database in one read-only transaction, without migrations and with one-line errors."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from psycopg import errors as postgres_errors
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from refork.dbos.reader.sqlite import read_only_sqlite
from refork.dbos.reader.tables import NEEDED_COLUMNS, SCHEMA_PLACEHOLDER, readable_columns
from refork.dbos.servers.connection import Server
from refork.dbos.servers.url import kind_of, server_at, sqlite_address
from refork.errors import BadInputError, DatabaseError
from refork.storage.files import readable_path
from refork.text.lines import one_line

OPTION: Final = "--db"
DEFAULT_SCHEMA: Final = "dbos"


@contextmanager
def read_only(url: str) -> Generator[sa.Connection]:
    """Open a connection to a DBOS system database, inside one read-only transaction.

    ``url`` is one of SQLite, Postgres or Lakebase. BadInputError for another one; DatabaseError where there is
    no such database, where it may not be read, or where it is not DBOS's.
    """
    if kind_of(url, option=OPTION) == "sqlite":
        with _sqlite(sqlite_address(url, option=OPTION)) as connection:
            yield connection
    else:
        with _postgres(server_at(url, option=OPTION)) as connection:
            yield connection


@contextmanager
def _sqlite(address: sa.URL) -> Generator[sa.Connection]:
    readable = None if address.database is None else readable_path(Path(address.database))
    shown = address.set(query={}, database=readable).render_as_string()
    if not address.database or address.database.startswith((":memory:", "file:")):
        raise BadInputError(f"--db: {shown!r} names no file; write 'sqlite:///path/to/file.sqlite'")
    path = Path(address.database).absolute()
    if not path.is_file():
        problem = "is not a file" if path.exists() else "does not exist"
        raise DatabaseError(
            f"--db: the database {readable_path(path)!r} {problem}; give the URL of DBOS's system database"
        )
    try:
        with read_only_sqlite(path) as raw, _over(raw, "sqlite://") as connection:
            # Python's own driver begins a transaction for writes only.
            connection.exec_driver_sql("BEGIN")
            _check(connection, None, repr(readable_path(path)))
            yield _mapped(connection, None)
    except (DBAPIError, sqlite3.Error, OSError) as error:
        raise DatabaseError(_sqlite_problem(_cause(error), shown)) from error


@contextmanager
def _postgres(server: Server) -> Generator[sa.Connection]:
    try:
        raw = server.connect(program="refork (read only)", prepare_threshold=None)
        raw.read_only = True
        raw.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with raw, _over(raw, "postgresql+psycopg://", use_native_hstore=False) as connection:
            schema = _schema(connection, server.name, server.schema)
            _check(connection, schema, repr(server.name))
            yield _mapped(connection, schema)
    except (DBAPIError, psycopg.Error, OSError) as error:
        raise DatabaseError(_postgres_problem(_cause(error), server)) from error


@contextmanager
def _over(raw: Any, dialect: str, **options: Any) -> Generator[sa.Connection]:
    """Open SQLAlchemy over one connection. Its transaction ends here, without a commit."""
    engine = sa.create_engine(dialect, creator=lambda: raw, poolclass=StaticPool, **options)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _mapped(connection: sa.Connection, schema: str | None) -> sa.Connection:
    return connection.execution_options(schema_translate_map={SCHEMA_PLACEHOLDER: schema})


def _schema(connection: sa.Connection, name: str, wanted: str | None) -> str:
    """Find the schema of DBOS's tables: ``dbos``, or one that the application's configuration names."""
    query = sa.text(
        "SELECT n.nspname FROM pg_catalog.pg_class c "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relname IN ('workflow_status', 'operation_outputs') AND c.relkind IN ('r', 'p', 'v') "
        "GROUP BY n.nspname HAVING count(*) = 2 ORDER BY n.nspname <> :default, n.nspname"
    )
    found = [str(schema) for schema in connection.scalars(query, {"default": DEFAULT_SCHEMA})]
    if not found:
        raise DatabaseError(_not_dbos(connection, name))
    if wanted in found or (wanted is None and (found[0] == DEFAULT_SCHEMA or len(found) == 1)):
        return wanted or found[0]
    schemas = ", ".join(repr(one_line(schema, 63)) for schema in found)
    if wanted is None:
        raise DatabaseError(
            f"--db: {name!r} holds several DBOS databases: choose one with --schema: {schemas}"
        )
    raise BadInputError(
        f"--schema {one_line(wanted, 63)!r}: {name!r} has no tables of DBOS there; they are in {schemas}"
    )


def _not_dbos(connection: sa.Connection, name: str) -> str:
    tables = connection.scalar(
        sa.text(
            "SELECT count(*) FROM pg_catalog.pg_class c "
            "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"
        )
    )
    problem = "holds tables, but none of DBOS's: it belongs to another program" if tables else "is empty"
    return (
        f"--db: {name!r} {problem}; give the URL of DBOS's system database, "
        "which is often named '<application>_dbos_sys'"
    )


def _check(connection: sa.Connection, schema: str | None, name: str) -> None:
    """Raise DatabaseError if columns are missing without which nothing can be read."""
    inspector = sa.inspect(connection)
    tables = set(inspector.get_table_names(schema=schema)) | set(inspector.get_view_names(schema=schema))
    if not {"workflow_status", "operation_outputs"} & tables:
        problem = "holds tables, but none of DBOS's: it belongs to another program" if tables else "is empty"
        raise DatabaseError(f"--db: {name} {problem}; give the URL of DBOS's system database")
    there = readable_columns(connection, schema)
    for table, columns in NEEDED_COLUMNS.items():
        if table not in there:
            raise DatabaseError(_other_version(name, f"no table {table!r}"))
        missing = next((column for column in columns if column not in there[table]), None)
        if missing is not None:
            raise DatabaseError(_other_version(name, f"no column {missing!r} in {table!r}"))


def _other_version(name: str, missing: str) -> str:
    return (
        f"--db: {name} was made by a version of DBOS that Refork does not know ({missing}): "
        "it reads the tables of dbos 2.30 to 3.4"
    )


def _cause(error: Exception) -> BaseException:
    return (error.orig or error) if isinstance(error, DBAPIError) else error


def _postgres_problem(error: BaseException, server: Server) -> str:
    said = server.problem(error)
    if isinstance(error, postgres_errors.InsufficientPrivilege):
        return (
            f"--db: {server.user!r} may not read {server.name!r} ({said}): "
            "grant it USAGE on the schema and SELECT on its tables"
        )
    return f"--db: cannot read {server.name!r}: {said}"


def _sqlite_problem(error: BaseException, name: str) -> str:
    if isinstance(error, sqlite3.OperationalError) and "readonly" in str(error):
        return f"--db: {name!r} holds an unfinished write of a killed process: start the application once"
    return f"--db: cannot read {name!r}: {one_line(str(error) or type(error).__name__)}"
