"""Reads the checkpoints that a fork left in the evals database."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from refork import values
from refork.dbos.evals_database.outages import retried
from refork.dbos.evals_database.table_definitions import tables_of
from refork.records import RecordedError
from refork.redaction.error_text import text_of
from refork.values import RecordedException


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A row of ``operation_outputs``. ``output`` is a Python object, None if the step failed."""

    number: int
    name: str
    output: Any
    error: BaseException | None
    child_run: str | None
    started_at: datetime | None
    completed_at: datetime | None

    @property
    def recorded_error(self) -> RecordedError | None:
        """The error in the form of a recorded run."""
        if self.error is None:
            return None
        if isinstance(self.error, RecordedException):
            return RecordedError(type=self.error.type_name, message=self.error.message)
        kind = type(self.error)
        name = (
            kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        )
        return RecordedError(type=name, message=text_of(self.error))


@retried
def checkpoints(system_database: Any, run_id: str, *, first: int) -> tuple[Checkpoint, ...]:
    """Return the steps of a fork from number ``first`` on, in order."""
    table = tables_of(system_database).operation_outputs
    query = (
        sa.select(table)
        .where(table.c.workflow_uuid == run_id, table.c.function_id >= first)
        .order_by(table.c.function_id)
    )
    with system_database.engine.connect() as connection:
        return tuple(_checkpoint(row) for row in connection.execute(query))


def _checkpoint(row: Any) -> Checkpoint:
    return Checkpoint(
        number=row.function_id,
        name=row.function_name,
        output=None if row.output is None else values.loads(row.output),
        error=None if row.error is None else values.loads(row.error),
        child_run=row.child_workflow_id,
        started_at=_at(row.started_at_epoch_ms),
        completed_at=_at(row.completed_at_epoch_ms),
    )


def _at(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
