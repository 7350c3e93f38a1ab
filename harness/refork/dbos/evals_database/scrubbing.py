"""Removes secrets from an evals database after its session, because it contains results of the application's own
steps.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from refork.dbos.evals_database.database import EvalsDatabase
from refork.redaction.process_secrets import HIDDEN, held_and_found


def scrub(database: EvalsDatabase) -> None:
    """Replace every secret that is held or was found in whatever text the database has. It is a cache: no fault of it
    ends a session."""
    values = held_and_found()
    if not values:
        return
    with suppress(SQLAlchemyError), database.engine.begin() as connection:
        for table, column in _columns(connection, database.schema):
            for value in values:
                _replace(connection, table, column, value)


def _columns(connection: sa.Connection, schema: str | None) -> Iterator[tuple[Any, Any]]:
    inspector = sa.inspect(connection)
    for name in inspector.get_table_names(schema=schema):
        every = inspector.get_columns(name, schema=schema)
        columns = [each for each in every if isinstance(each["type"], sa.Text | sa.String)]
        table = sa.table(name, *(sa.column(each["name"], sa.Text) for each in columns), schema=schema)
        yield from ((table, table.c[each["name"]]) for each in columns)


def _replace(connection: sa.Connection, table: Any, column: Any, value: str) -> None:
    holding = column.contains(value, autoescape=True)
    changed = {column: sa.func.replace(column, value, HIDDEN)}
    connection.execute(sa.update(table).where(holding).values(changed))
