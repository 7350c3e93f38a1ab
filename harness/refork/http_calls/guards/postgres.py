"""Postgres through libpq, which opens its sockets where Python does not see them."""

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
            for kind in (psycopg.Connection, psycopg.AsyncConnection):
                stack.enter_context(_psycopg(kind))
        if "psycopg2" in sys.modules:
            stack.enter_context(_psycopg2(importlib.import_module("psycopg2")))
        yield


@contextmanager
def _psycopg(kind: Any) -> Generator[None]:
    """``connect`` makes one, ``wait`` is where every operation of one passes."""
    connect, wait = kind.__dict__["connect"], kind.__dict__["wait"]

    def connect_checked(cls: Any, *args: Any, **kwargs: Any) -> Any:
        _check(_WHAT)
        return connect.__func__(cls, *args, **kwargs)

    def wait_checked(self: Any, *args: Any, **kwargs: Any) -> Any:
        _check(f"{_WHAT}, which was open already,")
        return wait(self, *args, **kwargs)

    kind.connect, kind.wait = classmethod(connect_checked), wait_checked
    try:
        yield
    finally:
        kind.connect, kind.wait = connect, wait


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
