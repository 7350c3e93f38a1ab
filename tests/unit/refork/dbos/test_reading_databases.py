"""Whatever stands behind a URL: it is read or refused in one line, and nothing of it changes."""

import os
import shutil
import socket
import sqlite3
import struct
import threading
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from refork.dbos.reader.reader import Reader
from refork.errors import BadInputError, DatabaseError, ReforkError
from refork.records import Run
from support.postgres import role_of
from support.production import files_of

NOBODY = 65534


def refusal(url: str) -> str:
    """The one line that opening ``url`` ends with."""
    with pytest.raises(ReforkError) as found, Reader(url):
        pass
    message = str(found.value)
    assert "\n" not in message
    return message


def read_everything(url: str) -> list[str]:
    with Reader(url) as reader:
        ids = [run.id for run in reader.runs(limit=None)]
        for run in ids:
            reader.fetch(run).decode()
    return sorted(ids)


def test_a_file_is_read_without_changing_a_byte_or_adding_a_file(sqlite_file: Path) -> None:
    before = files_of(sqlite_file.parent)
    assert "report-1" in read_everything(f"sqlite:///{sqlite_file}")
    assert files_of(sqlite_file.parent) == before


def test_a_file_in_wal_mode_that_nobody_has_open_gets_no_companions(sqlite_file: Path) -> None:
    in_wal_mode(sqlite_file)
    before = files_of(sqlite_file.parent)
    assert list(before) == ["production.sqlite"]
    assert "report-1" in read_everything(f"sqlite:///{sqlite_file}")
    assert files_of(sqlite_file.parent) == before


def test_commits_of_a_writer_in_wal_mode_are_seen_and_not_checkpointed(sqlite_file: Path) -> None:
    in_wal_mode(sqlite_file)
    with writer_of(sqlite_file) as writer:
        writer.execute("UPDATE workflow_status SET workflow_uuid = 'zzz' WHERE workflow_uuid = 'waiting-1'")
        writer.commit()
        writer.execute("UPDATE workflow_status SET workflow_uuid = 'unseen' WHERE workflow_uuid = 'zzz'")
        before = files_of(sqlite_file.parent)
        ids = read_everything(f"sqlite:///{sqlite_file}")
        assert "zzz" in ids
        assert "unseen" not in ids
        after = files_of(sqlite_file.parent)
        # The -shm file is the lock table of the processes that are at work, not data.
        assert {**after, "production.sqlite-shm": ""} == {**before, "production.sqlite-shm": ""}
        writer.commit()


def test_a_crashed_writer_s_journal_is_read_without_touching_it(sqlite_file: Path, tmp_path: Path) -> None:
    in_wal_mode(sqlite_file)
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    with writer_of(sqlite_file) as writer:
        writer.execute("UPDATE workflow_status SET workflow_uuid = 'zzz' WHERE workflow_uuid = 'waiting-1'")
        writer.commit()
        for name in ("production.sqlite", "production.sqlite-wal"):
            shutil.copy(sqlite_file.with_name(name), crashed)
    before = files_of(crashed)
    assert "zzz" in read_everything(f"sqlite:///{crashed / 'production.sqlite'}")
    assert files_of(crashed) == before


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
@pytest.mark.parametrize("wal", [False, True], ids=["rollback journal", "WAL"])
def test_a_read_only_file_in_a_read_only_folder_is_enough(shop_sqlite: Path, wal: bool) -> None:
    with open_to_all() as folder:
        file = Path(shutil.copy(shop_sqlite, folder))
        if wal:
            in_wal_mode(file)
        read_everything(f"sqlite:///{file}")
        file.chmod(0o444)
        folder.chmod(0o555)
        with unprivileged():
            assert not os.access(folder, os.W_OK, effective_ids=True)
            assert "report-1" in read_everything(f"sqlite:///{file}")


def test_a_file_that_is_written_to_meanwhile_is_reported(sqlite_file: Path) -> None:
    in_wal_mode(sqlite_file)
    reader = Reader(f"sqlite:///{sqlite_file}").__enter__()
    reader.runs()
    os.utime(sqlite_file, ns=(1, 1))
    with pytest.raises(DatabaseError, match="was written to while it was read: run the command again"):
        reader.__exit__(None, None, None)


def test_a_missing_file_is_refused_and_not_made(tmp_path: Path) -> None:
    assert refusal(f"sqlite:///{tmp_path / 'no.sqlite'}").endswith(
        "no.sqlite' does not exist; give the URL of DBOS's system database"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "is empty"), (b"not a database at all", "is not a SQLite database")],
)
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    file = tmp_path / "some.sqlite"
    file.write_bytes(content)
    assert problem in refusal(f"sqlite:///{file}")


def test_a_damaged_file_is_refused(sqlite_file: Path) -> None:
    data = sqlite_file.read_bytes()
    sqlite_file.write_bytes(data[:100] + b"\xff" * 8000 + data[8100:])
    with pytest.raises(DatabaseError, match=r"cannot read '.*malformed"):
        read_everything(f"sqlite:///{sqlite_file}")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "is not a file; give the URL" in refusal(f"sqlite:///{tmp_path}")


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.sqlite"
    execute(file, "CREATE TABLE notes (text TEXT)")
    assert "none of DBOS's: it belongs to another program" in refusal(f"sqlite:///{file}")


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ("ALTER TABLE operation_outputs RENAME COLUMN output TO result", "no column 'output'"),
        ("ALTER TABLE workflow_status RENAME COLUMN status TO state", "no column 'status'"),
        ("ALTER TABLE operation_outputs RENAME TO steps", "no table 'operation_outputs'"),
    ],
)
def test_tables_that_no_known_version_of_dbos_made_are_refused(
    sqlite_file: Path, change: str, missing: str
) -> None:
    execute(sqlite_file, change)
    message = refusal(f"sqlite:///{sqlite_file}")
    assert "was made by a version of DBOS that Refork does not know" in message
    assert missing in message
    assert "dbos 2.30 to 3.4" in message


AS_IN_2_30 = (
    "UPDATE workflow_status SET inputs = (SELECT inputs FROM workflow_input AS i "
    "WHERE i.workflow_uuid = workflow_status.workflow_uuid)",
    "UPDATE workflow_status SET output = (SELECT output FROM workflow_output AS o "
    "WHERE o.workflow_uuid = workflow_status.workflow_uuid), error = (SELECT error FROM workflow_output AS o "
    "WHERE o.workflow_uuid = workflow_status.workflow_uuid)",
    "DROP TABLE workflow_input",
    "DROP TABLE workflow_output",
)


def everything(url: str) -> list[Run]:
    with Reader(url) as reader:
        ids = sorted(run.id for run in reader.runs(limit=None))
        return [reader.fetch(run).decode().run for run in ids]


def test_a_database_of_dbos_2_is_read_as_one_of_dbos_3(sqlite_file: Path) -> None:
    url = f"sqlite:///{sqlite_file}"
    before = everything(url)
    for change in AS_IN_2_30:
        execute(sqlite_file, change)
    assert everything(url) == before


@pytest.mark.parametrize("column", ["attributes", "application_name", "completed_at"])
def test_values_that_an_older_version_did_not_store_are_unknown(sqlite_file: Path, column: str) -> None:
    execute(sqlite_file, f"ALTER TABLE workflow_status RENAME COLUMN {column} TO gone")
    assert everything(f"sqlite:///{sqlite_file}")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("mysql://u:s3cret@host/db", "'mysql' databases are not supported"),
        ("nonsense", "'nonsense' is not a database URL"),
        ("postgresql://u:s3cret@host:port/db", "is not a database URL"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_another_url_is_bad_input_that_says_what_is_accepted(url: str, problem: str) -> None:
    message = refusal(url)
    assert problem in message
    assert "sqlite:///path/to/file.sqlite" in message
    assert "s3cret" not in message
    with pytest.raises(BadInputError), Reader(url):
        pass


def test_an_unreachable_host_is_refused_without_showing_the_password() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as unused:
        port = unused.getsockname()[1]
    message = refusal(f"postgresql://user:s3cret@127.0.0.1:{port}/db?password=s3cret")
    assert message.startswith(f"--db: cannot read 'postgresql://user:***@127.0.0.1:{port}/db': ")
    assert "refused" in message
    assert "s3cret" not in message


def test_a_wrong_password_is_refused_without_showing_it() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=reject_password, args=(server,))
        thread.start()
        port = server.getsockname()[1]
        message = refusal(f"postgresql://user:s3cret@127.0.0.1:{port}/db?sslmode=disable&gssencmode=disable")
        thread.join()
    assert "password authentication failed" in message
    assert "s3cret" not in message


def test_an_empty_postgres_database_is_refused(postgres_url: str) -> None:
    message = refusal(postgres_url)
    assert "is empty" in message
    assert "_dbos_sys" in message


def test_a_postgres_database_of_another_program_is_refused(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")
    assert "it belongs to another program" in refusal(postgres_url)


def test_the_error_of_a_role_that_may_not_select_says_what_it_needs(shop_postgres_owner: str) -> None:
    with (
        role_of(shop_postgres_owner, may_select=False) as url,
        pytest.raises(
            DatabaseError, match=r"may not read .*: grant it USAGE on the schema and SELECT"
        ) as found,
    ):
        read_everything(url)
    assert "reads" not in str(found.value)


def test_dbos_s_tables_are_found_in_a_schema_of_another_name(shop_postgres: str, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as copy, psycopg.connect(shop_postgres) as source:
        copy.execute("CREATE SCHEMA elsewhere")
        for table in ("workflow_status", "workflow_input", "workflow_output", "operation_outputs"):
            copy_table(source, copy, table)
    assert "report-1" in read_everything(postgres_url)


def test_a_role_that_may_only_select_reads_everything(shop_postgres: str) -> None:
    before = counters(shop_postgres)
    assert "report-1" in read_everything(shop_postgres)
    assert counters(shop_postgres) == before
    with pytest.raises(psycopg.errors.InsufficientPrivilege), psycopg.connect(shop_postgres) as connection:
        connection.execute("UPDATE dbos.workflow_status SET name = 'changed'")


def counters(url: str) -> object:
    """How many rows were ever written to the tables of DBOS."""
    with psycopg.connect(url) as connection:
        query = "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables ORDER BY 1"
        return connection.execute(query).fetchall()


def copy_table(source: psycopg.Connection, copy: psycopg.Connection, table: str) -> None:
    columns = source.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'dbos' AND table_name = %s"
        " ORDER BY ordinal_position",
        [table],
    ).fetchall()
    names = [str(name) for (name,) in columns]
    numbers = {"created_at", "updated_at", "completed_at", "function_id"}
    kinds = {n: "bigint" if n in numbers or n.endswith("_epoch_ms") else "text" for n in names}
    kinds |= {"attributes": "jsonb"} if "attributes" in kinds else {}
    copy.execute(
        f"CREATE TABLE elsewhere.{table} ({', '.join(f'{n} {k}' for n, k in kinds.items())})".encode()
    )
    for row in source.execute(f"SELECT {', '.join(names)} FROM dbos.{table}".encode()).fetchall():
        marks = ", ".join("%s" for _ in names)
        values = [
            str(v) if kinds[n] == "text" and v is not None else v for n, v in zip(names, row, strict=True)
        ]
        copy.execute(f"INSERT INTO elsewhere.{table} VALUES ({marks})".encode(), values)


def execute(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(statement)
        connection.commit()


def in_wal_mode(file: Path) -> None:
    execute(file, "PRAGMA journal_mode = WAL")


@contextmanager
def writer_of(file: Path) -> Generator[sqlite3.Connection]:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        yield connection


@contextmanager
def open_to_all() -> Generator[Path]:
    """A folder that every user can reach: pytest's own cannot be."""
    folder = Path("/tmp") / f"refork-read-only-{os.getpid()}"
    folder.mkdir(mode=0o755)
    try:
        yield folder
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


@contextmanager
def unprivileged() -> Generator[None]:
    """Root may write everywhere, so it becomes nobody for a while."""
    become: Callable[[int], None] = os.seteuid
    was = os.geteuid()
    if was != 0:
        yield
        return
    become(NOBODY)
    try:
        yield
    finally:
        become(was)


def reject_password(server: socket.socket) -> None:
    """Speak just enough of Postgres' protocol to ask for a password and turn it down."""
    with server.accept()[0] as client:
        client.recv(4096)
        client.sendall(b"R" + struct.pack("!ii", 8, 3))
        client.recv(4096)
        fields = b'SFATAL\0C28P01\0Mpassword authentication failed for user "user"\0\0'
        client.sendall(b"E" + struct.pack("!i", len(fields) + 4) + fields)
