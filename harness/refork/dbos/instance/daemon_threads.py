"""Threads for DBOS that do not keep the process alive, so user code that hangs in one blocks nothing."""

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeAlias

import dbos._dbos as dbos_module

IDLE_SECONDS: Final = 5.0
_Work: TypeAlias = "tuple[Future[Any], Callable[..., Any], tuple[Any, ...], dict[str, Any]]"


class DaemonExecutor(ThreadPoolExecutor):
    """A ThreadPoolExecutor with as many daemon threads as there is work. The interpreter waits at exit for the
    threads of the standard one.
    """

    def __init__(self, max_workers: int | None = None, thread_name_prefix: str = "") -> None:  # noqa: ARG002
        super().__init__(max_workers=1)
        self._prefix = thread_name_prefix
        self._work: SimpleQueue[_Work | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._over = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        work: _Work = (Future[Any](), fn, args, kwargs)
        with self._lock:
            if self._over:
                raise RuntimeError("cannot schedule new futures after shutdown")
            if self._idle:
                self._idle -= 1
                self._work.put(work)
            else:
                name = f"{self._prefix}{id(work[0]):x}"
                threading.Thread(target=self._serve, args=(work,), name=name, daemon=True).start()
        return work[0]

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """Accept no more work, and wait for none."""
        with self._lock:
            self._over = True
            for _ in range(self._idle):
                self._work.put(None)
            self._idle = 0

    def _serve(self, work: "_Work | None") -> None:
        while work is not None:
            _do(work)
            work = None  # an idle thread keeps nothing alive
            with self._lock:
                if self._over:
                    return
                self._idle += 1
            work = self._next()

    def _next(self) -> "_Work | None":
        try:
            return self._work.get(timeout=IDLE_SECONDS)
        except Empty:
            with self._lock:
                try:
                    return self._work.get_nowait()
                except Empty:
                    self._idle -= 1
                    return None


def _do(work: _Work) -> None:
    future, fn, args, kwargs = work
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = fn(*args, **kwargs)
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)


@contextmanager
def daemon_threads() -> Generator[None]:
    """Make a DBOS that is launched inside the block run workflows in daemon threads."""
    module: Any = dbos_module
    original = module.ThreadPoolExecutor
    module.ThreadPoolExecutor = DaemonExecutor
    try:
        yield
    finally:
        module.ThreadPoolExecutor = original
