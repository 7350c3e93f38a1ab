"""Adds the clock that DBOS's schema needs to SQLite before 3.42, such as Debian 12's."""

import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

FIRST_WITH_CLOCK = (3, 42, 0)
"""The first SQLite whose ``unixepoch`` supports ``subsec``. Older ones return NULL."""


def install_sqlite_clock() -> None:
    """Give ``unixepoch('subsec')`` to every SQLite connection that SQLAlchemy hands out from now on.

    DBOS needs it under Python 3.12 and newer. Does nothing where SQLite has it.
    """
    if needs_clock():
        from sqlalchemy import event  # noqa: PLC0415 - DBOS brings it
        from sqlalchemy.engine import Engine  # noqa: PLC0415

        if not event.contains(Engine, "checkout", _add_clock):
            event.listen(Engine, "checkout", _add_clock)


@contextmanager
def sqlite_clock() -> Generator[None]:
    """Apply :func:`install_sqlite_clock` inside the block."""
    from sqlalchemy import event  # noqa: PLC0415 - as above
    from sqlalchemy.engine import Engine  # noqa: PLC0415

    if not needs_clock() or event.contains(Engine, "checkout", _add_clock):
        yield
        return
    event.listen(Engine, "checkout", _add_clock)
    try:
        yield
    finally:
        event.remove(Engine, "checkout", _add_clock)


def needs_clock() -> bool:
    return sqlite3.sqlite_version_info < FIRST_WITH_CLOCK


def _add_clock(connection: Any, record: Any, _lent: object) -> None:
    """Add the function when a connection is used, not when it is opened, since an application may have opened some
    before.
    """
    if isinstance(connection, sqlite3.Connection) and not record.info.get(_add_clock):
        connection.create_function("unixepoch", -1, _unixepoch)
        record.info[_add_clock] = True


def _unixepoch(*modifiers: object) -> float | int | None:
    """Return SQLite's result for the call that DBOS makes, and NULL for any other time value, which SQLite would
    have computed.
    """
    if not set(modifiers) <= {"now", "subsec", "subsecond"}:
        return None
    now = time.time()
    return now if {"subsec", "subsecond"} & set(modifiers) else int(now)
