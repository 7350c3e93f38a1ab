"""Limits how many model calls run at once, over many event loops: every synchronous workflow has one of its own."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from threading import Lock


class ConcurrencyLimit:
    """Lets at most ``limit`` holders in at once, first come, first served. Safe from any thread and event loop."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: deque[Future[None]] = deque()
        self._lock = Lock()

    @asynccontextmanager
    async def one(self) -> AsyncGenerator[None]:
        """Hold a place on an event loop. Safe to cancel while waiting."""
        await self._acquire()
        try:
            yield
        finally:
            self._release()

    @contextmanager
    def held(self) -> Generator[None]:
        """Hold a place on a thread that may block."""
        turn = self._ask()
        if turn is not None:
            turn.result()
        try:
            yield
        finally:
            self._release()

    def _ask(self) -> "Future[None] | None":
        with self._lock:
            if self._free:
                self._free -= 1
                return None
            turn: Future[None] = Future()
            self._waiting.append(turn)
            return turn

    async def _acquire(self) -> None:
        turn = self._ask()
        if turn is None:
            return
        try:
            await asyncio.wrap_future(turn)
        except asyncio.CancelledError:
            # Cancelled after the place was handed over, but before this task saw it.
            if turn.done() and not turn.cancelled():
                self._release()
            raise

    def _release(self) -> None:
        with self._lock:
            while self._waiting:
                turn = self._waiting.popleft()
                if turn.set_running_or_notify_cancel():
                    turn.set_result(None)
                    return
            self._free += 1
