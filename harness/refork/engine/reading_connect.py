"""Opens a production database: one read-only transaction, never a migration, and errors of one line."""

import re
import sqlite3
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from dbos._schemas import SCHEMA_PLACEHOLDER
from psycopg import errors as postgres_errors
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import StaticPool

from refork.engine.reading_sqlite import read_only_sqlite
from refork.errors import BadInputError, DatabaseError
from refork.files.checks import one_line

ACCEPTED: Final = "'sqlite:///path/to/file.sqlite' and 'postgresql://user@host/database'"
CONNECT_SECONDS: Final = 10
DEFAULT_SCHEMA: Final = "dbos"

READ_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "workflow_status": (
        "workflow_uuid",
        "status",
        "name",
        "authenticated_user",
        "assumed_role",
        "authenticated_roles",
        "inputs",
        "output",
        "error",
        "created_at",
        "completed_at",
        "application_name",
        "application_version",
        "class_name",
        "config_name",
        "serialization",
    ),
    "workflow_input": ("workflow_uuid", "inputs"),
    "workflow_output": ("workflow_uuid", "output", "error"),
    "operation_outputs": (
        "workflow_uuid",
        "function_id",
        "function_name",
        "output",
        "error",
        "child_workflow_id",
        "started_at_epoch_ms",
        "completed_at_epoch_ms",
        "serialization",
    ),
}
"""Every column that is read, and nothing else is."""


@contextmanager
def read_only(url: str) -> Generator[sa.Connection]:
    """A connection to a DBOS system database, inside one read-only transaction.

    ``url`` is a SQLAlchemy URL of SQLite or Postgres. BadInputError for another one; DatabaseError where
    there is no such database, where it may not be read, or where it is not DBOS's.
    """
    address = _address(url)
    try:
        if address.drivername.startswith("sqlite"):
            with _sqlite(address) as connection:
                yield connection
        else:
            with _postgres(address) as connection:
                yield connection
    except DBAPIError as error:
        raise DatabaseError(_problem(error.orig or error, address)) from error
    except (psycopg.Error, sqlite3.Error, OSError) as error:
        raise DatabaseError(_problem(error, address)) from error


def shown(address: sa.URL) -> str:
    """An address without its password. The part after ``?`` may hold one, so it is left out."""
    return address.set(query={}).render_as_string(hide_password=True)


def _address(url: str) -> sa.URL:
    try:
        address = sa.make_url(url)
    except (ArgumentError, ValueError):
        masked = re.sub(r"(?<=:)[^:@/]*(?=@)", "***", url.partition("?")[0])
        raise BadInputError(f"--db: {masked!r} is no database URL; accepted are {ACCEPTED}") from None
    kind = address.drivername.partition("+")[0]
    if kind not in {"sqlite", "postgresql", "postgres"}:
        raise BadInputError(f"--db: {kind!r} databases are not read; accepted are {ACCEPTED}")
    return address.set(drivername=kind if kind == "sqlite" else "postgresql")


@contextmanager
def _sqlite(address: sa.URL) -> Generator[sa.Connection]:
    if not address.database or address.database.startswith((":memory:", "file:")):
        raise BadInputError(f"--db: {shown(address)!r} names no file; write 'sqlite:///path/to/file.sqlite'")
    path = Path(address.database).absolute()
    if not path.is_file():
        problem = "is not a file" if path.exists() else "does not exist"
        raise DatabaseError(f"--db: the database {str(path)!r} {problem}")
    with read_only_sqlite(path) as raw, _over(raw, "sqlite://") as connection:
        # Python's own driver begins a transaction for writes only.
        connection.exec_driver_sql("BEGIN")
        _check(connection, None, repr(str(path)))
        yield _mapped(connection, None)


@contextmanager
def _postgres(address: sa.URL) -> Generator[sa.Connection]:
    # Password and all: libpq reads the URL as it stands.
    raw = psycopg.connect(
        address.render_as_string(hide_password=False),
        connect_timeout=CONNECT_SECONDS,
        application_name="refork (read only)",
        prepare_threshold=None,
    )
    raw.read_only = True
    raw.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    with raw, _over(raw, "postgresql+psycopg://", use_native_hstore=False) as connection:
        schema = _schema(connection, shown(address))
        _check(connection, schema, repr(shown(address)))
        yield _mapped(connection, schema)


@contextmanager
def _over(raw: Any, dialect: str, **options: Any) -> Generator[sa.Connection]:
    """SQLAlchemy over one connection. Its transaction ends here, without a commit."""
    engine = sa.create_engine(dialect, creator=lambda: raw, poolclass=StaticPool, **options)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _mapped(connection: sa.Connection, schema: str | None) -> sa.Connection:
    return connection.execution_options(schema_translate_map={SCHEMA_PLACEHOLDER: schema})


def _schema(connection: sa.Connection, name: str) -> str:
    """DBOS's tables stand in the schema ``dbos``, or in one that the application's configuration names."""
    query = sa.text(
        "SELECT n.nspname FROM pg_catalog.pg_class c "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relname IN ('workflow_status', 'operation_outputs') AND c.relkind IN ('r', 'p', 'v') "
        "GROUP BY n.nspname HAVING count(*) = 2 ORDER BY n.nspname <> :default, n.nspname"
    )
    found = connection.scalars(query, {"default": DEFAULT_SCHEMA}).all()
    if found and (found[0] == DEFAULT_SCHEMA or len(found) == 1):
        return str(found[0])
    if found:
        raise DatabaseError(f"--db: {name!r} holds several DBOS databases, in the schemas {', '.join(found)}")
    raise DatabaseError(_not_dbos(connection, name))


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
    """Make sure that every column is there before anything is read."""
    inspector = sa.inspect(connection)
    tables = set(inspector.get_table_names(schema=schema)) | set(inspector.get_view_names(schema=schema))
    if not {"workflow_status", "operation_outputs"} & tables:
        problem = "holds tables, but none of DBOS's: it belongs to another program" if tables else "is empty"
        raise DatabaseError(f"--db: {name} {problem}; give the URL of DBOS's system database")
    for table, columns in READ_COLUMNS.items():
        if table not in tables:
            raise DatabaseError(_other_version(name, f"no table {table!r}"))
        there = {column["name"] for column in inspector.get_columns(table, schema=schema)}
        missing = next((column for column in columns if column not in there), None)
        if missing is not None:
            raise DatabaseError(_other_version(name, f"no column {missing!r} in {table!r}"))


def _other_version(name: str, missing: str) -> str:
    return (
        f"--db: {name} was made by another version of DBOS ({missing}): "
        "this version of Refork reads the tables of dbos 3.4"
    )


def _problem(error: BaseException, address: sa.URL) -> str:
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    name = shown(address)
    if isinstance(error, postgres_errors.InsufficientPrivilege):
        return (
            f"--db: {address.username!r} may not read {name!r} ({one_line(said)}): "
            "grant it USAGE on the schema and SELECT on its tables"
        )
    if isinstance(error, sqlite3.OperationalError) and "readonly" in said:
        return f"--db: {name!r} holds an unfinished write of a killed process: start the application once"
    if address.password:
        said = said.replace(str(address.password), "***")
    return f"--db: cannot read {name!r}: {one_line(said)}"
