"""Locks that end with the process that holds them: a killed session leaves nothing to clean up."""

import os
import sys
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def held_file(path: Path) -> Generator[bool]:
    """Hold an exclusive lock on a file; gives False where another process holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            _lock(descriptor)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


@contextmanager
def held_key(engine: sa.Engine, key: str) -> Generator[bool]:
    """Hold a Postgres advisory lock on a connection of its own; gives False where another session holds it."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        number = zlib.crc32(key.encode())
        held = bool(connection.scalar(sa.text("SELECT pg_try_advisory_lock(:key)"), {"key": number}))
        try:
            yield held
        finally:
            if held:
                connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": number})
