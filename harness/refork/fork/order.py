"""What ran side by side in the recorded run goes on in the same order when it is replayed.

DBOS numbers a workflow's steps as they start, and answers them by number. Of two agents side by side, the one whose
model answered first went on first; in a replay all answers are there at once. So what a step gives is held back
until the steps that had started before it ended have started again.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from refork.case import Run, Step

PATIENCE_SECONDS: Final = 1.0
_TICK: Final = 0.001


class RecordedOrder:
    """The order of one fork. A wait that is in vain is the last: its run's clocks, or today's code, are otherwise."""

    def __init__(self, run: Run, fork_point: int) -> None:
        self.steps = run.steps
        self._by_number: dict[int, Step] = {step.number: step for step in run.steps}
        self._fork_point = fork_point
        self._in_vain = False

    async def hold(self, number: int, started: Callable[[], int], over: Callable[[], bool]) -> None:
        """Wait for those that had started before step ``number`` ended. ``started`` gives the last number drawn."""
        last, until = self._last_beside(number), time.monotonic() + PATIENCE_SECONDS
        while started() < last and self._waiting(until, over):  # noqa: ASYNC110 - DBOS tells nobody
            await asyncio.sleep(_TICK)

    def hold_thread(self, number: int, started: Callable[[], int], over: Callable[[], bool]) -> None:
        """The same for a step in a thread without an event loop."""
        last, until = self._last_beside(number), time.monotonic() + PATIENCE_SECONDS
        while started() < last and self._waiting(until, over):
            time.sleep(_TICK)

    def _waiting(self, until: float, over: Callable[[], bool]) -> bool:
        self._in_vain = self._in_vain or time.monotonic() > until
        return not self._in_vain and not over()

    def _last_beside(self, number: int) -> int:
        step = self._by_number.get(number)
        if step is None or step.completed_at is None or number >= self._fork_point:
            return 0
        last = number
        while last < self._fork_point:
            following = self._by_number.get(last + 1)
            if following is None or following.started_at is None or following.started_at >= step.completed_at:
                break
            last += 1
        return last
