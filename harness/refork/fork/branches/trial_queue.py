"""The trials of a fork in ``step`` scope: those that wait for its fork point, and those that run there."""

import asyncio
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from threading import Lock

from refork.fork.trials.scheduled_trial import ScheduledTrial


class TrialQueue:
    """Takes trials from any thread, and gives them to the event loop of the fork.

    ``on_idle`` is called, on the thread that asks, where the queue is stopped before the fork has come to its fork
    point: nobody will ever take what it holds.
    """

    def __init__(self, *, on_idle: Callable[[], None]) -> None:
        self._on_idle = on_idle
        self._lock = Lock()
        self._waiting: list[ScheduledTrial] = []
        self._added: list[ScheduledTrial] = []
        self._running: dict[ScheduledTrial, float] = {}
        self._closing = False
        self._stopping = False
        self._wake: Callable[[], object] | None = None
        """Wakes the loop that takes trials. None before the fork point, and once the fork is over."""

    def add(self, trials: Sequence[ScheduledTrial]) -> None:
        """Append trials, and wake the fork up for them."""
        with self._lock:
            self._waiting.extend(trials)
            self._added.extend(trials)
        self.wake_up()

    def close(self) -> None:
        """Take no more; the fork ends with the last that waits."""
        with self._lock:
            self._closing = True
        self.wake_up()

    def stop(self) -> Sequence[ScheduledTrial]:
        """Give back what waits. Trials that run go on to their end."""
        with self._lock:
            self._stopping = self._closing = True
            dropped, self._waiting = self._waiting, []
        self.wake_up()
        return dropped

    def drop_all(self) -> Sequence[ScheduledTrial]:
        """Empty the queue, and give every trial that was ever added, whatever has become of it."""
        with self._lock:
            self._waiting = []
            return list(self._added)

    def wake_up(self) -> None:
        """Let the fork look whether there is something to do. Raises RuntimeError where its event loop is closed."""
        with self._lock:
            wake = self._wake
            idle = self._stopping and wake is None
        if wake is not None:
            wake()
        elif idle:
            self._on_idle()

    def finish(self) -> None:
        """The fork is over: nobody is to be woken any more."""
        with self._lock:
            self._wake = None

    @contextmanager
    def running(self, trial: ScheduledTrial) -> Generator[None]:
        """Count a trial as running while it lasts. Called on the fork's event loop."""
        self._running[trial] = time.monotonic()
        try:
            yield
        finally:
            del self._running[trial]

    @property
    def longest_running(self) -> float:
        """Seconds for which the oldest of the trials in flight has been running."""
        return time.monotonic() - min(list(self._running.values()), default=time.monotonic())

    def arrive(self) -> "TrialBatches":
        """The fork has come to its fork point: what its event loop, which calls this, takes the trials from."""
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            self._wake = partial(loop.call_soon_threadsafe, woken.set)
        return TrialBatches(self._take, woken)

    def _take(self) -> tuple[Sequence[ScheduledTrial], bool]:
        """All that waits, and whether no more will come."""
        with self._lock:
            batch, self._waiting = self._waiting, []
            return batch, self._closing


class TrialBatches:
    """The trials of a queue as the fork's event loop takes them: all at once that have come since the last time."""

    def __init__(
        self, take: Callable[[], tuple[Sequence[ScheduledTrial], bool]], woken: asyncio.Event
    ) -> None:
        self._take = take
        self._woken = woken

    async def next(self, is_over: Callable[[], bool]) -> Sequence[ScheduledTrial]:
        """Wait for trials. Empty once the queue is closed or the fork ``is_over``."""
        while True:
            self._woken.clear()  # before looking: what comes after the look wakes us again
            batch, closing = self._take()
            if batch or closing or is_over():
                return batch
            await self._woken.wait()
