"""Opens another application's SQLite file and writes nothing, neither to the file nor next to it.

A database in WAL mode consists of three files, and SQLite creates the other two if they are missing, even for a
reader. Without other users the file is therefore opened as immutable or, after a crash, copied and the copy is
read.
"""

import os
import shutil
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from refork.errors import DatabaseError
from refork.storage.temporary_folders import temporary

MAGIC: Final = b"SQLite format 3\0"
_WAL_VERSION_AT: Final = 18
BUSY_SECONDS: Final = 10.0


@contextmanager
def read_only_sqlite(path: Path) -> Generator[sqlite3.Connection]:
    """Open a connection that cannot write. Raises DatabaseError and ``sqlite3.Error``."""
    if not _is_wal(path) or _beside(path, "-shm").exists():
        with _connection(path, "mode=ro") as connection:
            yield connection
    elif _size(_beside(path, "-wal")):
        with temporary("read") as folder:
            for file in (path, _beside(path, "-wal")):
                shutil.copyfile(file, folder / file.name)
            with _connection(folder / path.name, "mode=ro") as connection:
                yield connection
    else:
        with _unchanged(path), _connection(path, "mode=ro&immutable=1") as connection:
            yield connection


@contextmanager
def _connection(path: Path, how: str) -> Generator[sqlite3.Connection]:
    uri = f"file:{quote(os.fsencode(path))}?{how}"
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS, check_same_thread=False
    )
    with closing(connection):
        connection.execute("PRAGMA query_only = ON")
        yield connection


@contextmanager
def _unchanged(path: Path) -> Generator[None]:
    before = path.stat()
    yield
    after = path.stat()
    if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
        raise DatabaseError(f"{str(path)!r} was written to while it was read: run the command again")


def _is_wal(path: Path) -> bool:
    with path.open("rb") as file:
        header = file.read(_WAL_VERSION_AT + 2)
    if not header:
        raise DatabaseError(f"{str(path)!r} is empty: give the database that the application runs on")
    if not header.startswith(MAGIC):
        raise DatabaseError(
            f"{str(path)!r} is not a SQLite database: give the database that the application runs on"
        )
    return header[_WAL_VERSION_AT:] == b"\x02\x02"


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
