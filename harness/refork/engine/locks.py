"""Locks of a Postgres server that end with the connection that holds them."""

import zlib
from collections.abc import Generator
from contextlib import contextmanager

import sqlalchemy as sa


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
