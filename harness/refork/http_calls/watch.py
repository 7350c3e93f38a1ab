"""Who watches the calling code's requests: by context, so that many steps go on side by side."""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from refork.http_calls.wire import OutgoingRequest, Received


class Watch(Protocol):
    """Told of every request and connection that one run of a step's code makes, from any thread and event loop."""

    def exchange(
        self, sent: OutgoingRequest, send: Callable[[OutgoingRequest], Received], /
    ) -> Received | None:
        """A request that a synchronous client is about to send.

        Gives the response, or None to let the client send it as it is; raises to refuse it. ``send`` sends one.
        """
        ...

    async def exchange_async(
        self, sent: OutgoingRequest, send: Callable[[OutgoingRequest], Awaitable[Received]], /
    ) -> Received | None: ...

    def connects(self, what: str) -> None:
        """A connection that is no HTTP request, such as ``a connection to db:5432``. Raises to refuse it."""
        ...

    @property
    def changed(self) -> bool:
        """Whether a candidate took its place in a request."""
        ...


_watch: ContextVar[Watch | None] = ContextVar("refork_http_watch", default=None)
_passing: ContextVar[bool] = ContextVar("refork_http_passing", default=False)
_beside: ContextVar[bool] = ContextVar("refork_http_beside", default=False)
_carried: list[ContextVar[Any]] = [_watch, _passing]


def carry(variable: ContextVar[Any]) -> None:
    """Have the threads that a step's code starts see a variable as that code does."""
    _carried.append(variable)


def is_beside() -> bool:
    """Whether the calling code runs in a thread that a step's code started by itself."""
    return _beside.get()


def watch_here() -> Watch | None:
    """The watch of the calling code. None where it has none, or a watched request is being sent."""
    return None if _passing.get() else _watch.get()


@contextmanager
def passing() -> Generator[None]:
    """Let everything pass: a request that was admitted connects, logs in and is sent."""
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
    """The function under the watch of the code that asks for this, in whatever thread it runs."""
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
    """Whether the calling code has a watch, be it that it passes everything just now."""
    return _watch.get() is not None
