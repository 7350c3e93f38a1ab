"""Locks of a Postgres server that end with the connection that holds them."""

import threading
import zlib
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from refork.errors import DatabaseError

LOOK_SECONDS: Final = 1.0
"""Seconds between two checks whether the connection is still open."""


@contextmanager
def held_key(engine: sa.Engine, key: str) -> Generator[bool]:
    """Hold a Postgres advisory lock on a connection of its own. Yields False if another session holds it.

    If the server closes that connection, the lock is taken again as soon as the server answers.
    """
    lock = _Lock(engine, key)
    with ExitStack() as stack:
        stack.callback(lock.release)
        held = lock.take()
        if held:
            stack.enter_context(_kept(lock))
        yield held


class _Lock:
    def __init__(self, engine: sa.Engine, key: str) -> None:
        self._engine = engine
        self._number = zlib.crc32(key.encode())
        self._connection: sa.Connection | None = None

    def take(self) -> bool:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._connection = connection
        return bool(connection.scalar(sa.text("SELECT pg_try_advisory_lock(:key)"), {"key": self._number}))

    def take_again(self) -> None:
        """Make sure that the connection is open, or take the lock on a new one. Raises the driver's errors."""
        try:
            if self._connection is not None:
                self._connection.scalar(sa.text("SELECT 1"))
                return
        except (SQLAlchemyError, psycopg.Error):
            self.release()
        self.take()

    def release(self) -> None:
        """Close the connection and with it the lock. A broken connection is dropped."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError, psycopg.Error):
                connection.invalidate()
            with suppress(SQLAlchemyError, psycopg.Error):
                connection.close()


@contextmanager
def _kept(lock: _Lock) -> Generator[None]:
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            with suppress(
                SQLAlchemyError, psycopg.Error, DatabaseError
            ):  # the server is away: the next look tries again
                lock.take_again()

    thread = threading.Thread(target=look, name="refork-lock", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
