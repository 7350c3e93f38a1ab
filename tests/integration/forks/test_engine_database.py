"""The database that forks live in is made by Refork, held by one session, and never unpickled."""

import base64
import json
import pickle
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from refork.dbos.evals_database.database import evals_database
from refork.errors import BadInputError, DatabaseError, SessionError
from refork.records import Run
from refork.records.outcome import ForkStatus
from support.forks import case_of, fresh_session, measure, surroundings_of
from support.model_server import ModelServer
from support.prepared import Prepared


def database_at(path: Path, root: Path) -> Any:
    return evals_database(f"sqlite:///{path}", root=root)


def test_a_database_that_git_tracks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evals.sqlite"
    with database_at(path, tmp_path):
        pass
    for command in (["init", "-q"], ["add", "-f", "evals.sqlite"]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    before = path.read_bytes()
    with pytest.raises(BadInputError, match=r"evals.sqlite' is tracked by git"), database_at(path, tmp_path):
        pass
    assert path.read_bytes() == before


def test_a_database_that_git_tracks_is_refused_through_a_link_to_it(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    with database_at(checkout / "evals.sqlite", tmp_path):
        pass
    for command in (["init", "-q"], ["add", "-f", "evals.sqlite"]):
        subprocess.run(["git", "-C", str(checkout), *command], check=True)
    (tmp_path / "link.sqlite").symlink_to(checkout / "evals.sqlite")
    with (
        pytest.raises(BadInputError, match="is tracked by git"),
        database_at(tmp_path / "link.sqlite", tmp_path),
    ):
        pass


def test_a_database_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(BadInputError, match="holds data that is not Refork's"), database_at(path, tmp_path):
        pass
    assert path.read_bytes() == before


def test_a_database_of_production_is_refused_and_left_as_it_is(runs_file: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(runs_file.parent / "production.sqlite", tmp_path))
    before = path.read_bytes()
    with (
        pytest.raises(BadInputError, match="the evals never run in a database of production"),
        fresh_session(database=f"sqlite:///{path}"),
    ):
        pass
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"this is no database" * 100, b"\x00" * 5000, b"SQLite format 3\x00" + b"x" * 5000]
)
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(DatabaseError, match=r"notes.txt' is no SQLite database"), database_at(path, tmp_path):
        pass
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://root@localhost/evals", "'mysql' databases are not supported; accepted are"),
        ("evals.db", "'evals.db' is no database URL; accepted are"),
        ("sqlite://", "names no file; write 'sqlite:///path/to/evals.sqlite'"),
        ("sqlite:///:memory:", "names no file"),
        ("", "'' is no database URL"),
    ],
)
def test_a_url_that_will_not_do_is_refused_with_what_is_accepted(
    url: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInputError) as raised, evals_database(url, root=tmp_path):
        pass
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_unreachable_server_is_named_without_its_password(tmp_path: Path) -> None:
    url = "postgresql://user:secret@127.0.0.1:9/evals"
    with pytest.raises(DatabaseError) as raised, evals_database(url, root=tmp_path):
        pass
    assert "cannot use 'postgresql" in str(raised.value)
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(DatabaseError, match="file"),
        database_at(tmp_path / "file" / "evals.sqlite", tmp_path),
    ):
        pass


def test_the_default_lies_in_the_users_cache_under_the_projects_name(
    surroundings: Path, tmp_path: Path
) -> None:
    with evals_database(None, root=tmp_path) as database:
        folder = surroundings / "cache" / "refork"
        assert database.folder.parent == folder
        assert database.folder.name.startswith(f"{tmp_path.name}-")
        assert database.url.endswith("/evals-0.sqlite")


def test_two_sessions_of_a_project_at_once_take_two_databases(
    runs: dict[str, Run], runs_file: Path, server: ModelServer, prepared: Prepared, surroundings: Path
) -> None:
    env = surroundings_of(surroundings) | {"OPENAI_BASE_URL": server.url}
    plan = {"plot": "one_call", "variants": [["current", None]], "trials": 3}
    with server.held():
        other = prepared.start(
            "support.fork_process:run_plan", str(runs_file), plan, folder=surroundings, env=env
        )
        server.wait_for(3)
        with fresh_session() as session:
            fork = session.fork(case_of(runs["a_tool_before"]))
            fork.close()
            assert fork.wait(10)
            assert str(session._engine.system_database.engine.url).endswith("/evals-1.sqlite")
    assert json.loads(other.finish().splitlines()[-1]) == {"reason": ""}
    with fresh_session() as session:
        assert str(session._engine.system_database.engine.url).endswith("/evals-0.sqlite")


def test_a_named_database_is_held_by_one_session(tmp_path: Path) -> None:
    path = tmp_path / "evals.sqlite"
    with (
        database_at(path, tmp_path),
        pytest.raises(SessionError, match="another session is using"),
        database_at(path, tmp_path),
    ):
        pass
    with database_at(path, tmp_path):
        pass


def test_the_workers_of_a_session_have_a_database_each(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'evals.sqlite'}"
    with (
        evals_database(url, root=tmp_path, slot="gw0") as first,
        evals_database(url, root=tmp_path, slot="gw1") as second,
    ):
        assert first.url != second.url


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def pickled(path: Path) -> str:
    return base64.b64encode(pickle.dumps({"args": (Evil(path),), "kwargs": {}})).decode()


def test_workflows_that_were_planted_in_the_database_are_never_unpickled(
    server: ModelServer, tmp_path: Path
) -> None:
    path = tmp_path / "evals.sqlite"
    url = f"sqlite:///{path}"
    with fresh_session(database=url) as session:
        queues = ("_dbos_internal_queue", session._engine._queue, None)
    planted = [(status, queue) for status in ("ENQUEUED", "PENDING") for queue in queues]
    with closing(sqlite3.connect(path)) as connection, connection:
        for number, (status, queue) in enumerate(planted):
            _plant(connection, f"planted-{number}", status, queue, pickled(tmp_path / f"evil-{number}"))
    with fresh_session(database=url):
        time.sleep(1.3)  # DBOS looks at its queues every second
    assert list(tmp_path.glob("evil-*")) == []


def _plant(connection: sqlite3.Connection, run_id: str, status: str, queue: str | None, inputs: str) -> None:
    now = int(time.time() * 1000)
    connection.execute(
        "INSERT INTO workflow_status (workflow_uuid, status, name, executor_id, application_version,"
        " application_name, queue_name, serialization, created_at, updated_at, priority, recovery_attempts,"
        " inputs) VALUES (?, ?, 'chat', 'local', 'refork', 'refork', ?, 'py_pickle', ?, ?, 0, 0, ?)",
        (run_id, status, queue, now, now, inputs),
    )
    connection.execute(
        "INSERT INTO workflow_input (workflow_uuid, inputs, retention_timestamp) VALUES (?, ?, ?)",
        (run_id, inputs, now),
    )


def test_a_checkpoint_that_was_replaced_by_a_pickle_is_never_unpickled(
    runs: dict[str, Run], server: ModelServer, tmp_path: Path, ledger: Path
) -> None:
    evil = tmp_path / "evil"
    with fresh_session() as session:
        database = session._engine.system_database
        table = database.tables.operation_outputs

        def plant() -> None:
            with database.engine.begin() as connection:
                values = {"output": pickled(evil), "serialization": "py_pickle"}
                connection.execute(sa.update(table).values(**values))

        started = session._engine.start

        def start(run: Run, fork_state: Any) -> None:
            plant_after_seeding(started, run, fork_state, plant)

        session._engine.start = start  # type: ignore[method-assign]
        outcome = measure(session, case_of(runs["a_tool_before"]), 1)
    assert outcome.status is not ForkStatus.MEASURED
    assert not evil.exists()
    assert server.count == 0
    assert not ledger.exists()


def plant_after_seeding(started: Any, run: Run, state: Any, plant: Any) -> None:
    from refork.dbos.evals_database import seeding
    from refork.dbos.instance import engine as session

    seed = seeding.seed

    def seed_and_plant(*args: Any, **rest: Any) -> str:
        source = seed(*args, **rest)
        plant()
        return source

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "seed", seed_and_plant)
        started(run, state)
