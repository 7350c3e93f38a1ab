"""Threads for DBOS that a process can end without: user's code that hangs in one holds up nobody."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeAlias

import dbos._dbos as dbos_module

IDLE_SECONDS: Final = 5.0
_Work: TypeAlias = "tuple[Future[Any], Callable[..., Any], tuple[Any, ...], dict[str, Any]]"


class DaemonExecutor(ThreadPoolExecutor):
    """A ThreadPoolExecutor without a bound, of daemon threads. Those of the base are waited for at exit."""

    def __init__(self, max_workers: int | None = None, thread_name_prefix: str = "") -> None:
        super().__init__(max_workers=1)
        self._prefix = thread_name_prefix
        self._work: SimpleQueue[_Work] = SimpleQueue()
        self._lock = threading.Lock()
        self._free = 0
        self._over = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        with self._lock:
            if self._over:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._work.put((future, fn, args, kwargs))
            self._free -= 1
            if self._free < 0:
                self._free += 1
                threading.Thread(target=self._run, name=f"{self._prefix}{id(future):x}", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more work. Nobody is waited for: daemon threads end with the process, or when idle."""
        with self._lock:
            self._over = True
