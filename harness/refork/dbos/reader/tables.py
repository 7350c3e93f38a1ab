"""The tables of DBOS that are read, as far as a database has them, because versions store things in different
places.

dbos 2.30 keeps a run's input, output and error in its row of ``workflow_status``, 3.x in tables of their own.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

SCHEMA_PLACEHOLDER: Final = "__refork_schema__"
"""The placeholder of the tables' schema until a connection is open."""

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
        "attributes",
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
"""All columns that are read."""

NEEDED_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "workflow_status": ("workflow_uuid", "status", "name", "created_at"),
    "operation_outputs": ("workflow_uuid", "function_id", "function_name", "output", "error"),
}
"""The columns without which nothing can be read. Other missing columns are read as NULL."""

Columns: TypeAlias = Mapping[str, frozenset[str]]
"""The columns of each table that are read and that a database has."""


def readable_columns(connection: sa.Connection, schema: str | None) -> Columns:
    """Return which of :data:`READ_COLUMNS` a database has."""
    inspector = sa.inspect(connection)
    tables = set(inspector.get_table_names(schema=schema)) | set(inspector.get_view_names(schema=schema))
    return {
        table: frozenset(column["name"] for column in inspector.get_columns(table, schema=schema))
        & frozenset(columns)
        for table, columns in READ_COLUMNS.items()
        if table in tables
    }


def table_of(name: str) -> sa.Table:
    """Return a table with the columns that are read from it."""
    columns = [sa.Column(column, _type(column)) for column in READ_COLUMNS[name]]
    return sa.Table(name, sa.MetaData(schema=SCHEMA_PLACEHOLDER), *columns)


def _type(column: str) -> Any:
    if column == "attributes":
        return sa.JSON()
    is_number = column in ("created_at", "completed_at", "function_id") or column.endswith("_epoch_ms")
    return sa.BigInteger() if is_number else sa.Text()


def schema_of(connection: sa.Connection) -> str | None:
    """Return the schema that a connection reads; None for the default one."""
    translated: Mapping[str, str | None] = connection.get_execution_options().get("schema_translate_map", {})
    return translated.get(SCHEMA_PLACEHOLDER)
