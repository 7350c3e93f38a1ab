"""Intercepts connections to Postgres through libpq, which opens its sockets outside of Python."""

import importlib
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from refork.http_calls.watch import watch_here

_WHAT: Final = "a connection to Postgres"


@contextmanager
def patched() -> Generator[None]:
    with ExitStack() as stack:
        if "psycopg" in sys.modules:
            psycopg: Any = importlib.import_module("psycopg")
            stack.enter_context(
                _connecting(importlib.import_module("psycopg._connection_base").BaseConnection)
            )
            for kind in (psycopg.Connection, psycopg.AsyncConnection):
                stack.enter_context(_waiting(kind))
        if "psycopg2" in sys.modules:
            stack.enter_context(_psycopg2(importlib.import_module("psycopg2")))
        yield


@contextmanager
def _connecting(kind: Any) -> Generator[None]:
    """Patch the function that every new connection passes, because ``psycopg.connect`` is bound to its class
    early.
    """
    original = kind.__dict__["_connect_gen"]

    def connect_checked(cls: Any, *args: Any, **kwargs: Any) -> Any:
        _check(_WHAT)
        return original.__func__(cls, *args, **kwargs)

    kind._connect_gen = classmethod(connect_checked)
    try:
        yield
    finally:
        kind._connect_gen = original


@contextmanager
def _waiting(kind: Any) -> Generator[None]:
    """Patch the function that every operation of an open connection passes."""
    original = kind.__dict__["wait"]

    def wait_checked(self: Any, *args: Any, **kwargs: Any) -> Any:
        _check(f"{_WHAT}, which was open already,")
        return original(self, *args, **kwargs)

    kind.wait = wait_checked
    try:
        yield
    finally:
        kind.wait = original


@contextmanager
def _psycopg2(module: Any) -> Generator[None]:
    original = module._connect

    def connect(*args: Any, **kwargs: Any) -> Any:
        _check(_WHAT)
        return original(*args, **kwargs)

    module._connect = connect
    try:
        yield
    finally:
        module._connect = original


def _check(what: str) -> None:
    watch = watch_here()
    if watch is not None:
        watch.connects(what)
