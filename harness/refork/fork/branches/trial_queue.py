"""Queues the trials of a fork in ``step`` scope until its fork point, and tracks those that run there."""

import asyncio
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from threading import Lock

from refork.fork.trials.scheduled_trial import ScheduledTrial


class TrialQueue:
    """Takes trials from any thread, and hands them to the event loop of the fork.

    ``on_idle`` is called if the queue is stopped before the fork has reached its fork point, because then no event
    loop will ever take its trials. The thread that stops the queue calls it.
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
        """Accept no more trials; the fork ends when those that wait have run."""
        with self._lock:
            self._closing = True
        self.wake_up()

    def stop(self) -> Sequence[ScheduledTrial]:
        """Return the trials that have not started, and drop them. Those that run continue to their end."""
        with self._lock:
            self._stopping = self._closing = True
            dropped, self._waiting = self._waiting, []
        self.wake_up()
        return dropped

    def drop_all(self) -> Sequence[ScheduledTrial]:
        """Empty the queue, and return every trial that was ever added, finished or not."""
        with self._lock:
            self._waiting = []
            return list(self._added)

    def wake_up(self) -> None:
        """Wake the fork's event loop so that it looks at the queue. Raises RuntimeError if that loop is closed."""
        with self._lock:
            wake = self._wake
            idle = self._stopping and wake is None
        if wake is not None:
            wake()
        elif idle:
            self._on_idle()

    def finish(self) -> None:
        """Wake nobody any more, because the fork is over."""
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
        """Return the batches from which the fork's event loop takes trials.

        Called on that loop, when the fork has reached its fork point.
        """
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            self._wake = partial(loop.call_soon_threadsafe, woken.set)
        return TrialBatches(self._take, woken)

    def _take(self) -> tuple[Sequence[ScheduledTrial], bool]:
        """Return the waiting trials, and whether the queue is closed."""
        with self._lock:
            batch, self._waiting = self._waiting, []
            return batch, self._closing


class TrialBatches:
    """Batches of trials for the fork's event loop: each holds all that were added since the last one."""

    def __init__(
        self, take: Callable[[], tuple[Sequence[ScheduledTrial], bool]], woken: asyncio.Event
    ) -> None:
        self._take = take
        self._woken = woken

    async def next(self, is_over: Callable[[], bool]) -> Sequence[ScheduledTrial]:
        """Wait for the next batch. It is empty once the queue is closed or the fork ``is_over``."""
        while True:
            self._woken.clear()  # before looking: what comes after the look wakes us again
            batch, closing = self._take()
            if batch or closing or is_over():
                return batch
            await self._woken.wait()
