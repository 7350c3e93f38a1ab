"""Waits for a database server that goes away in the middle of a session and comes back: restarted, failed over,
woken up.
"""

import functools
import time
from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar

import psycopg
from sqlalchemy.exc import DBAPIError

from refork.errors import DatabaseError

P = ParamSpec("P")
R = TypeVar("R")

PATIENCE_SECONDS: Final = 30.0
"""Seconds that a server which answered before may be away."""
_PAUSE_SECONDS: Final = 0.25
_ATTEMPTS: Final = 3


def patient(
    connect: Callable[[], "psycopg.Connection[Any]"], *, name: str, patience: float = PATIENCE_SECONDS
) -> Callable[[], "psycopg.Connection[Any]"]:
    """Return a ``connect`` that waits for a server that has answered once.

    The first connection fails at once, as ``connect`` does. Later ones raise DatabaseError after ``patience``
    seconds, for DBOS retries a driver's errors without end; then each fails at once, until one succeeds.
    """
    answered = is_gone = False

    def connected() -> "psycopg.Connection[Any]":
        nonlocal answered, is_gone
        until = time.monotonic() + (0 if is_gone else patience)
        while True:
            try:
                connection = connect()
            except psycopg.OperationalError as error:
                if not answered:
                    raise
                if time.monotonic() >= until:
                    is_gone = True
                    raise DatabaseError(_gone(name, patience, error)) from None
                time.sleep(_PAUSE_SECONDS)
            else:
                answered, is_gone = True, False
                return connection

    return connected


def _gone(name: str, patience: float, error: Exception) -> str:
    said = " ".join(str(error).split())[:200]
    return (
        f"the evals database {name!r} went away and did not come back within {patience:g} s ({said}); "
        "answers that were paid for are kept: start the server, and run again"
    )


def retried(function: Callable[P, R]) -> Callable[P, R]:
    """Run a transaction again if the server ended its connection. It must be one that may run twice."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(_ATTEMPTS - 1):
            try:
                return function(*args, **kwargs)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
        return function(*args, **kwargs)

    return wrapper
