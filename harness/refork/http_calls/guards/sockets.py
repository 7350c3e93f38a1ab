"""Intercepts sockets, synchronous ones and those of asyncio, with any protocol."""

import socket
import ssl
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from refork.http_calls.watch import watch_here

_CONNECTING: Final = ("connect", "connect_ex")
_SENDING: Final = ("send", "sendall", "sendto", "sendmsg")


@contextmanager
def patched() -> Generator[None]:
    """Intercept connecting, and sending on connections that were open before."""
    with ExitStack() as stack:
        for name in _CONNECTING:
            stack.enter_context(_in_front(socket.socket, name, _connects))
        for name in _SENDING:
            stack.enter_context(_in_front(socket.socket, name, _sends))
        for name in ("send", "write"):
            stack.enter_context(_in_front(ssl.SSLSocket, name, _sends))
        yield


@contextmanager
def _in_front(kind: Any, name: str, check: Callable[..., None]) -> Generator[None]:
    own = kind.__dict__.get(name)
    original = getattr(kind, name)

    def checked(self: Any, *args: Any, **kwargs: Any) -> Any:
        check(self, *args)
        return original(self, *args, **kwargs)

    setattr(kind, name, checked)
    try:
        yield
    finally:
        if own is None:
            delattr(kind, name)
        else:
            setattr(kind, name, own)


def _connects(found: Any, address: Any = None, *_rest: Any) -> None:
    watch = watch_here()
    if watch is None:
        return
    try:
        watch.connects(f"a connection to {_named(address)}")
    except BaseException:
        found.close()  # its owner closes it only after an OSError
        raise


def _sends(found: Any, *_args: Any) -> None:
    watch = watch_here()
    # An event loop wakes itself up through a pair of sockets of this family.
    if watch is not None and found.family != getattr(socket, "AF_UNIX", None):
        watch.connects(f"a connection to {_peer(found)}, which was open already,")


def _peer(found: Any) -> str:
    try:
        return _named(found.getpeername())
    except OSError:
        return "somewhere"


def _named(address: Any) -> str:
    if isinstance(address, tuple) and len(address) >= 2:
        return f"{address[0]}:{address[1]}"
    return repr(address)
