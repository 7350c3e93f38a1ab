"""Opens the evals database: a DBOS system database that belongs to Refork and that one session holds at a time.

The default is embedded SQLite in the user's cache directory, keyed by the project's path. A session takes the
first slot that no other session holds, so two terminals never share a database.
"""

import hashlib
import os
import sqlite3
import subprocess
from collections.abc import Collection, Generator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psycopg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from refork.dbos.evals_database.locks import held_key
from refork.dbos.evals_database.outages import patient
from refork.dbos.servers.url import kind_of, server_at, sqlite_address
from refork.errors import BadInputError, DatabaseError, SessionError
from refork.hosts.library import release
from refork.storage.cache_folder import usable_folder
from refork.storage.files import readable_path
from refork.storage.process_locks import held_file
from refork.text.lines import one_line

SLOTS: Final = 64
OPTION: Final = "--agent-evals-db"
OURS: Final = "refork_evals_database"
"""The table that marks a database as made by Refork. A database without it is never written to."""
MADE_BY: Final = "refork_evals_made_by"
"""The table that names the versions of DBOS that used it."""


class NewerDatabaseError(DatabaseError):
    """An evals database has the tables of a newer DBOS."""


@dataclass(frozen=True, kw_only=True)
class EvalsDatabase:
    """An open evals database. ``url`` contains no password; ``schema`` is None for SQLite.

    ``note`` is a line to say of what became of the one that was there before.
    """

    engine: sa.Engine
    url: str
    schema: str | None
    folder: Path
    note: str = ""


@contextmanager
def evals_database(url: str | None, *, root: Path, slot: str = "") -> Generator[EvalsDatabase]:
    """Hold an evals database while the session lasts.

    ``url`` is None for the default, ``postgres`` for a temporary server, or a URL of SQLite, Postgres or Lakebase.
    ``slot`` tells the workers of one session apart. Raises BadInputError for an invalid URL, and DatabaseError if
    the database cannot be used.
    """
    with ExitStack() as stack:
        folder, _ = usable_folder(root)
        if url == "postgres":
            from refork.dbos.servers.throwaway_postgres import throwaway_postgres  # noqa: PLC0415 - an extra

            url = stack.enter_context(throwaway_postgres())
        if url is None:
            yield stack.enter_context(_default(folder, slot))
        elif kind_of(url, option=OPTION) == "sqlite":
            yield stack.enter_context(_sqlite_at(_path_of(url, root), folder, slot))
        else:
            yield stack.enter_context(_postgres(url, root, folder, slot))


@contextmanager
def _default(folder: Path, slot: str) -> Generator[EvalsDatabase]:
    notes: list[str] = []
    for number in range(SLOTS):
        path = folder / f"evals{f'-{slot}' if slot else ''}-{number}.sqlite"
        with ExitStack() as stack:
            if not stack.enter_context(held_file(path.with_suffix(".lock"))):
                continue
            try:
                _look_at(path)
                database = stack.enter_context(_sqlite(path, folder))
                _check_whole(database)
            except (DatabaseError, BadInputError, DBAPIError) as problem:
                stack.pop_all().close()
                notes.append(_set_aside(path, problem))
                continue
            yield replace(database, note="; ".join(notes))
            return
    raise SessionError(
        f"{SLOTS} sessions of this project are running already, in {str(folder)!r}: wait for one, or name another "
        f"database with {OPTION}"
    )


def _check_whole(database: EvalsDatabase) -> None:
    """Raise DatabaseError for a damaged database, which SQLite would notice only in the middle of a session."""
    with database.engine.connect() as connection:
        said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if said != "ok":
        raise DatabaseError(f"it is damaged: {one_line(str(said))}")


def _set_aside(path: Path, problem: Exception) -> str:
    """Rename a database that cannot be used, and say so. It is a cache, so nothing is lost."""
    aside = path.with_name(f"{path.name}.unusable")
    for suffix in ("", "-wal", "-shm"):
        with suppress(OSError):
            path.with_name(path.name + suffix).replace(aside.with_name(aside.name + suffix))
    cause = problem.orig if isinstance(problem, DBAPIError) else problem
    return (
        f"the evals database {str(path)!r} could not be used and was renamed to {aside.name!r}: "
        f"{one_line(str(cause), 200)}"
    )


@contextmanager
def _sqlite_at(path: Path, folder: Path, slot: str) -> Generator[EvalsDatabase]:
    path = path.with_stem(f"{path.stem}-{slot}") if slot else path
    if _tracked_by_git(path):
        raise BadInputError(
            f"--agent-evals-db: {str(path)!r} is tracked by git; an evals database is never shared: "
            "name a file outside the checkout, or leave the option out"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"--agent-evals-db: {str(path.parent)!r} is not a folder to write to: {error.strerror}"
        raise DatabaseError(problem) from None
    with held_file(path.with_name(path.name + ".lock")) as held:
        if not held:
            raise SessionError(
                f"--agent-evals-db: another session is using {str(path)!r}: wait for it, or name another file"
            )
        with ExitStack() as stack:
            try:
                database = stack.enter_context(_sqlite(path, folder))
            except NewerDatabaseError as problem:
                note = _set_aside(path, problem)
                database = replace(stack.enter_context(_sqlite(path, folder)), note=note)
            yield database


@contextmanager
def _sqlite(path: Path, folder: Path) -> Generator[EvalsDatabase]:
    _look_at(path)
    shown = readable_path(path)
    engine = sa.create_engine(
        f"sqlite:///{shown}",
        pool_size=20,
        max_overflow=20,
        # The path itself may be no text: on a machine without a locale, where it is not ASCII.
        creator=partial(sqlite3.connect, path, check_same_thread=False),
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        connection.isolation_level = "IMMEDIATE"
        connection.execute("PRAGMA busy_timeout=30000")
        connection.execute("PRAGMA foreign_keys=ON")
        # A crash of the process loses nothing in this mode, and a commit costs no disk sync.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        # What is taken out of a row is taken out of the file, too.
        connection.execute("PRAGMA secure_delete=ON")

    try:
        _mark(engine, None, str(path))
        yield EvalsDatabase(engine=engine, url=f"sqlite:///{shown}", schema=None, folder=folder)
    finally:
        engine.dispose()


@contextmanager
def _postgres(url: str, root: Path, folder: Path, slot: str) -> Generator[EvalsDatabase]:
    server = server_at(url, option=OPTION)
    if server.schema is not None:
        raise BadInputError(f"{OPTION}: leave 'schema' out of the URL: Refork makes schemas of its own")
    engine = server.engine(
        pool_size=20, max_overflow=20, pool_pre_ping=True, creator=patient(server.connect, name=server.name)
    )
    project = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:8]
    try:
        for number in range(SLOTS):
            schema = f"refork_{project}_{slot or 'main'}_{number}"
            with held_key(engine, schema) as held:
                if held:
                    note = _mark_or_replace(engine, schema, server.name)
                    yield EvalsDatabase(
                        engine=engine,
                        url=engine.url.render_as_string(),
                        schema=schema,
                        folder=folder,
                        note=note,
                    )
                    return
        raise SessionError(
            f"{OPTION}: {SLOTS} sessions of this project use {server.name!r} already: "
            "wait for one, or name another database"
        )
    except (DBAPIError, psycopg.Error) as error:
        cause = (error.orig or error) if isinstance(error, DBAPIError) else error
        raise DatabaseError(f"{OPTION}: cannot use {server.name!r}: {server.problem(cause)}") from None
    finally:
        engine.dispose()


def _look_at(path: Path) -> None:
    """Reject a database that is not ours before anything is written: opening one in WAL mode changes its file."""
    if not path.exists() or path.stat().st_size == 0:
        return
    address = f"file:{quote(os.fsencode(path))}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
    except sqlite3.Error as error:
        raise DatabaseError(
            f"--agent-evals-db: {str(path)!r} is not a SQLite database ({error}): name another file"
        ) from None
    _check_ours(tables, str(path))


def _check_ours(tables: Collection[str], shown: str) -> None:
    if tables and OURS not in tables:
        raise BadInputError(
            f"--agent-evals-db: {shown!r} holds data that is not Refork's; "
            "name a new file: the evals never run in a database of production"
        )


def _mark_or_replace(engine: sa.Engine, schema: str, shown: str) -> str:
    """Claim a schema for Refork. If a newer DBOS made it, drop it, since it is a cache, and return a line that
    says so.
    """
    try:
        _mark(engine, schema, shown)
    except NewerDatabaseError as problem:
        with engine.begin() as connection:
            connection.execute(sa.schema.DropSchema(schema, cascade=True))
        _mark(engine, schema, shown)
        return f"the evals schema {schema!r} could not be used and was created again: {problem}"
    return ""


def _mark(engine: sa.Engine, schema: str | None, shown: str) -> None:
    """Claim an empty database. Raises an error for one that Refork did not make, or that a newer DBOS made."""
    try:
        with engine.begin() as connection:
            if schema is not None:
                connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
            _check_ours(sa.inspect(connection).get_table_names(schema=schema), shown)
            marker = sa.Table(OURS, sa.MetaData(schema=schema), sa.Column("version", sa.Integer))
            marker.create(connection, checkfirst=True)
            _check_maker(connection, schema)
    except DBAPIError as error:
        if schema is not None:
            raise
        raise DatabaseError(
            f"--agent-evals-db: {shown!r} is not a SQLite database ({error.orig}): name another file"
        ) from None


def _check_maker(connection: sa.Connection, schema: str | None) -> None:
    """Store which DBOS made the tables. It can use those of an older version, but not those of a newer one."""
    table = sa.Table(MADE_BY, sa.MetaData(schema=schema), sa.Column("dbos", sa.Text))
    table.create(connection, checkfirst=True)
    installed = version("dbos")
    made = connection.scalars(sa.select(table.c.dbos)).all()
    newest = max(made, key=release, default=installed)
    if release(newest) > release(installed):  # tables do not change with a patch
        raise NewerDatabaseError(f"dbos {newest} made it, and dbos {installed} is installed")
    if installed not in made:
        connection.execute(sa.insert(table).values(dbos=installed))


def _path_of(url: str, root: Path) -> Path:
    database = sqlite_address(url, option=OPTION).database
    if not database or database == ":memory:":
        raise BadInputError(
            f"--agent-evals-db: {url!r} names no file; write 'sqlite:///path/to/evals.sqlite'"
        )
    return (root / database).resolve()


def _tracked_by_git(path: Path) -> bool:
    if not path.exists():
        return False
    command = ["git", "-C", str(path.parent), "ls-files", "--error-unmatch", path.name]
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=10).returncode == 0  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False
