"""Finds the watch of the calling code by its context, so many steps can run concurrently."""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from refork.http_calls.wire import OutgoingRequest, Received


class Watch(Protocol):
    """Receives every request and connection of one run of a step's code, from any thread and event loop."""

    def exchange(
        self, sent: OutgoingRequest, send: Callable[[OutgoingRequest], Received], /
    ) -> Received | None:
        """Handle a request that a synchronous client is about to send.

        Returns the response, or None to let the client send the request unchanged. Raises to refuse it. ``send`` sends
        a request and returns its response.
        """
        ...

    async def exchange_async(
        self, sent: OutgoingRequest, send: Callable[[OutgoingRequest], Awaitable[Received]], /
    ) -> Received | None:
        """Handle a request that an asynchronous client is about to send, in the same way."""
        ...

    def connects(self, what: str) -> None:
        """Handle a connection that is not an HTTP request, such as ``a connection to db:5432``. Raises to refuse
        it.
        """
        ...

    @property
    def changed(self) -> bool:
        """True if a candidate was used in a request."""
        ...


_watch: ContextVar[Watch | None] = ContextVar("refork_http_watch", default=None)
_passing: ContextVar[bool] = ContextVar("refork_http_passing", default=False)
_beside: ContextVar[bool] = ContextVar("refork_http_beside", default=False)
_carried: list[ContextVar[Any]] = [_watch, _passing]


def carry(variable: ContextVar[Any]) -> None:
    """Have the threads that a step's code starts see a variable as that code does."""
    _carried.append(variable)


def is_beside() -> bool:
    """Return whether the calling code runs in a thread that a step's code started itself."""
    return _beside.get()


def watch_here() -> Watch | None:
    """Return the watch of the calling code; None if it has none, or if it is sending a watched request."""
    return None if _passing.get() else _watch.get()


@contextmanager
def passing() -> Generator[None]:
    """Let everything in the block pass, so that a client can connect, log in and send a request that is allowed."""
    token = _passing.set(True)
    try:
        yield
    finally:
        _passing.reset(token)


@contextmanager
def watched_by(watch: Watch | None) -> Generator[None]:
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)


def carried(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with the caller's watch, for any thread that runs it."""
    values = [(variable, variable.get()) for variable in _carried] + [(_beside, is_watched())]

    def run(*args: Any, **kwargs: Any) -> Any:
        tokens = [(variable, variable.set(value)) for variable, value in values]
        try:
            return function(*args, **kwargs)
        finally:
            for variable, token in tokens:
                variable.reset(token)

    return run


def is_watched() -> bool:
    """Return whether the calling code has a watch, even if that lets everything pass at the moment."""
    return _watch.get() is not None
