"""What ran side by side in the recorded run goes on in the same order when it is replayed.

DBOS numbers a workflow's steps as they start, and answers them by number. Of two agents side by side, the one whose
model answered first went on first; in a replay all answers are there at once. So what a step gives is held back
until the steps that had started before it ended have started again.
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
    """The order of one fork. A wait that is in vain is the last: its run's clocks, or today's code, are otherwise."""

    def __init__(self, run: Run, fork_point: int) -> None:
        self.steps = sorted(run.steps, key=lambda step: step.number)
        self.last = {last_part(step.name): step.number for step in self.steps}
        self._by_number: dict[int, Step] = {step.number: step for step in run.steps}
        self._fork_point = fork_point
        self._in_vain = False
        self._gone: set[int] = set()

    async def hold(self, number: int, started: Callable[[], int], over: Callable[[], bool]) -> bool:
        """Wait for those that had started before step ``number`` ended; whether there were any.

        ``started`` gives the last number drawn.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        beside = self._beside(number)
        while not over() and not self._may_go(beside, started) and self._waiting(until):  # noqa: ASYNC110 - DBOS tells nobody
            await asyncio.sleep(_TICK)
        self._gone.add(number)
        return bool(beside)

    def hold_thread(self, number: int, started: Callable[[], int], over: Callable[[], bool]) -> bool:
        """The same for a step in a thread without an event loop."""
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
        """Whether all that started before the step ended has started, and what ended before it has gone on."""
        step = beside[0] if beside else None
        if step is None or started() < beside[-1].number:
            return step is None
        return all(other.number in self._gone for other in beside if _ended_before(other, step))

    def _beside(self, number: int) -> Sequence[Step]:
        """The step, and those that started after it and before it ended. Empty where none is to be waited for."""
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
