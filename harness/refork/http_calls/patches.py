"""Patches the HTTP client libraries while a session is open, and removes the patches at its end."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from threading import Lock
from typing import Any, Final

from refork.http_calls import threads
from refork.http_calls.clients import aiohttp_client, http_client, httpx_clients, keys, urllib3_client
from refork.http_calls.guards import postgres, sockets
from refork.http_calls.watch import Watch, watched_by

Patch = Callable[[], AbstractContextManager[Any]]

_PATCHES: Final[tuple[Patch, ...]] = (
    threads.patched,
    keys.patched,
    httpx_clients.patched,
    urllib3_client.patched,
    http_client.patched,
    aiohttp_client.patched,
    sockets.patched,
    postgres.patched,
)
_lock = Lock()
_open: list[ExitStack] = []
_done: list[ExitStack] = []


@contextmanager
def patched() -> Generator[None]:
    """Allow patches in the block. They are made at its first watched step, and removed at its end."""
    with ExitStack() as stack:
        with _lock:
            _open.append(stack)
        try:
            yield
        finally:
            with _lock:
                _open.remove(stack)
                _done[:] = [each for each in _done if each is not stack]


@contextmanager
def watching(watch: Watch | None) -> Generator[None]:
    """Report to ``watch`` everything that the code in the block, and the threads that it starts, send."""
    if watch is not None:
        _ready()
    with watched_by(watch):
        yield


def _ready() -> None:
    """Patch once in a session, and not before the application has imported its libraries."""
    with _lock:
        if not _open or _done:
            return
        stack = _open[-1]
        for patch in _PATCHES:
            stack.enter_context(patch())
        _done.append(stack)
