"""Multiplies recorded runs in a database: each copy has an id, a day and a version of its own."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import psycopg

DAY: Final = 24 * 3600 * 1000
_TABLES: Final = ("workflow_status", "workflow_input", "workflow_output", "operation_outputs")


def multiply(
    file: Path, run: str, copies: int, *, prefix: str, days: int = 7, output: str | None = None
) -> None:
    """Copy ``run`` as ``prefix-0``, ``prefix-1`` and so on, the last days before it in turn, in two versions.

    ``output`` is the column of the copies' output, if it is another one.
    """
    with closing(sqlite3.connect(file)) as connection:
        for table in _TABLES:
            known = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            values = [_value(column, prefix, days) for column in known]
            connection.execute(
                f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {copies}) "
                f"INSERT INTO {table} SELECT {', '.join(values)} FROM {table}, n WHERE workflow_uuid = ?",
                (run,),
            )
        if output is not None:
            connection.execute(
                "UPDATE workflow_output SET output = ? WHERE workflow_uuid LIKE ?", (output, f"{prefix}-%")
            )
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _value(column: str, prefix: str, days: int) -> str:
    known = {
        "workflow_uuid": f"'{prefix}-' || n.i",
        "created_at": f"created_at - (n.i % {days}) * {DAY}",
        "application_version": "'v' || (1 + n.i % 2)",
    }
    return known.get(column, column)


def multiply_in_postgres(url: str, run: str, copies: int, *, prefix: str, days: int = 7) -> None:
    """Copy ``run`` as :func:`multiply` does, in the schema ``dbos`` of a Postgres database."""
    with psycopg.connect(url) as connection:
        for table in _TABLES:
            known = [
                row[0]
                for row in connection.execute(
                    "SELECT column_name FROM information_schema.columns WHERE table_schema = 'dbos' "
                    "AND table_name = %s ORDER BY ordinal_position",
                    (table,),
                )
            ]
            values = ", ".join(_value(column, prefix, days).replace("%", "%%") for column in known)
            query = (
                f"INSERT INTO dbos.{table} ({', '.join(known)}) SELECT {values} "
                f"FROM dbos.{table}, generate_series(0, %s) AS n(i) WHERE workflow_uuid = %s"
            )
            connection.execute(query.encode(), (copies - 1, run))
