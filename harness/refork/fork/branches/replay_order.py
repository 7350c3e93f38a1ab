"""Lets concurrent steps continue in the recorded order when a run is replayed.

DBOS numbers a workflow's steps as they start, and answers them by number. Of two concurrent agents, the one whose
model answered first went on first; in a replay all answers are there at once. The result of a step is therefore held
back until the steps that had started before it ended have started again.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from refork.records import Run, Step
from refork.tool_policy import DBOS_PREFIX, last_part

PATIENCE_SECONDS: Final = 1.0
_TICK: Final = 0.001


class RecordedOrder:
    """The recorded order of the steps of one fork.

    After one wait that lasted ``PATIENCE_SECONDS`` it waits no more, because the recorded times or today's code do not
    fit the order. ``steps`` are sorted by number; ``last`` maps the last part of a step's name to the number of the
    last such step.
    """

    def __init__(self, run: Run, fork_point: int) -> None:
        self.steps = sorted(run.steps, key=lambda step: step.number)
        self.last = {last_part(step.name): step.number for step in self.steps}
        self._by_number: dict[int, Step] = {step.number: step for step in run.steps}
        self._fork_point = fork_point
        self._in_vain = False
        self._gone: set[int] = set()

    async def hold(self, number: int, started: Callable[[], int], over: Callable[[], bool]) -> bool:
        """Wait until every step that production started before step ``number`` ended has started here, too.

        Returns whether there were such steps. ``started`` returns the last step number that the workflow has drawn,
        ``over`` whether the fork is closed.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        beside = self._beside(number)
        while not over() and not self._may_go(beside, started) and self._waiting(until):  # noqa: ASYNC110 - DBOS tells nobody
            await asyncio.sleep(_TICK)
        self._gone.add(number)
        return bool(beside)

    def hold_thread(self, number: int, started: Callable[[], int], over: Callable[[], bool]) -> bool:
        """Do the same for a step in a thread without an event loop."""
        until = time.monotonic() + PATIENCE_SECONDS
        beside = self._beside(number)
        while not over() and not self._may_go(beside, started) and self._waiting(until):
            time.sleep(_TICK)
        self._gone.add(number)
        return bool(beside)

    def _waiting(self, until: float) -> bool:
        self._in_vain = self._in_vain or time.monotonic() > until
        return not self._in_vain

    def _may_go(self, beside: Sequence[Step], started: Callable[[], int]) -> bool:
        """Return whether all steps ``beside`` have started, and the code behind those that ended first has gone on."""
        step = beside[0] if beside else None
        if step is None or started() < beside[-1].number:
            return step is None
        return all(other.number in self._gone for other in beside if _ended_before(other, step))

    def _beside(self, number: int) -> Sequence[Step]:
        """Return the step and those that started after it and before it ended; empty if there are none to wait for."""
        step = self._by_number.get(number)
        if step is None or step.completed_at is None or number >= self._fork_point:
            return ()
        found = [step]
        while found[-1].number < self._fork_point:
            following = self._by_number.get(found[-1].number + 1)
            if following is None or following.started_at is None or following.started_at >= step.completed_at:
                break
            found.append(following)
        return found if len(found) > 1 else ()


def _ended_before(other: Step, step: Step) -> bool:
    if other.completed_at is None or step.completed_at is None or other.name.startswith(DBOS_PREFIX):
        return False
    return other.child_run is None and other.completed_at < step.completed_at
