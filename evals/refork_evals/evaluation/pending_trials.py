"""Waits for trials so that Ctrl-C may come at any moment."""

from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue

from refork.records.outcome import Trial


class PendingTrials:
    """The trials that were scheduled, and which of them have ended. For one thread, which signals may interrupt.

    ``concurrent.futures.wait`` takes the locks of all its futures. If KeyboardInterrupt is raised meanwhile, it keeps
    those that it has, and the thread that runs their trials waits for them for ever. A SimpleQueue has no such moment.
    """

    def __init__(self) -> None:
        self._ended: set[Future[Trial]] = set()
        self._arriving: SimpleQueue[Future[Trial]] = SimpleQueue()

    def add(self, futures: Iterable[Future[Trial]]) -> None:
        for future in futures:
            future.add_done_callback(self._arriving.put)

    def has_ended(self, future: Future[Trial]) -> bool:
        """Return whether a trial has its result, or was cancelled."""
        self._note_arrived()
        return future in self._ended

    def wait(self, seconds: float) -> None:
        """Wait until another trial ends, for so many seconds at most."""
        with suppress(Empty):
            self._ended.add(self._arriving.get(timeout=seconds))

    def _note_arrived(self) -> None:
        with suppress(Empty):
            while True:
                self._ended.add(self._arriving.get_nowait())
