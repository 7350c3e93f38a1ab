"""Finds what killed sessions left in the evals database: forks to continue, and everything else to delete."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from refork.dbos.evals_database.outages import retried
from refork.dbos.evals_database.seeding import seed_id
from refork.dbos.evals_database.table_definitions import tables_of
from refork.records import Run

REUSABLE_SECONDS: Final = 24 * 3600
"""Seconds during which the answers of a killed session may replace new ones, because a model changes."""

TAIL: Final = "tail-"
"""The prefix of the ids of forks that are never continued."""
UNFINISHED: Final = ("PENDING", "ENQUEUED")


@dataclass(frozen=True)
class InterruptedFork:
    """A fork that a killed session left, with the names of the trials that it had checkpointed, by step number.

    Errors are not among them: they are worth another try. ``last`` is the highest number that is taken.
    """

    run_id: str
    trials: Mapping[int, str]
    last: int


class InterruptedForks:
    """The content of the evals database when the session began. No other session uses it then."""

    def __init__(self, system_database: Any) -> None:
        self._db = system_database
        self._forks: list[tuple[str, str]] = []

    def take(self, run: Run, *, below: int, prefix: str = "") -> InterruptedFork | None:
        """Take the newest unfinished fork of the same run at the same step; each fork can be taken once.

        ``prefix`` is the beginning of its id, which tells the forks of several variants apart.
        """
        seed = seed_id(run, below=below)
        same = (fork for fork in self._forks if fork[1] == seed and fork[0].startswith(prefix))
        found = next(same, None)
        if found is None:
            return None
        self._forks.remove(found)
        return self._leftover(found[0], below)

    @retried
    def sweep(self) -> None:
        """Delete finished forks and those that are too old to continue, and remember the rest."""
        table = tables_of(self._db).workflow_status
        oldest = int((time.time() - REUSABLE_SECONDS) * 1000)
        is_tail = table.c.workflow_uuid.like(f"{TAIL}%")
        alive = sa.and_(table.c.status.in_(UNFINISHED), table.c.created_at >= oldest, sa.not_(is_tail))
        forks = (
            sa.select(table.c.workflow_uuid, table.c.forked_from)
            .where(alive)
            .order_by(table.c.created_at.desc())
        )
        with self._db.engine.connect() as connection:
            self._forks = [(run_id, source) for run_id, source in connection.execute(forks)]
            cached = {source for _, source in self._forks}
            over = connection.execute(sa.select(table.c.workflow_uuid).where(sa.not_(alive))).scalars()
            old = [run_id for run_id in over if run_id not in cached]
        if old:
            self._db.delete_workflows(old)

    @retried
    def _leftover(self, run_id: str, below: int) -> InterruptedFork:
        steps = tables_of(self._db).operation_outputs
        query = sa.select(steps.c.function_id, steps.c.function_name, steps.c.error).where(
            steps.c.workflow_uuid == run_id, steps.c.function_id >= below
        )
        with self._db.engine.connect() as connection:
            found = connection.execute(query).all()
        return InterruptedFork(
            run_id=run_id,
            trials={number: name for number, name, error in found if error is None},
            last=max((number for number, _, _ in found), default=0),
        )
