"""The evals database goes away in the middle of a session: a backend ended by its server, and a whole restart."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support.model_server import ModelServer, Received, Reply
from support.project import Project, case_yaml

TRIALS = 12


def rosy(project: Project, **environment: str) -> Project:
    case = case_yaml(rest=f"trials: {TRIALS}")
    return project.with_files({"evals/cases/rosy/case.yaml": case}).with_environment(**environment)


def end_backends(url: str) -> int:
    """End every connection to this database but the own one, as a restart or an administrator does."""
    query = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    return 0 if row is None else int(row[0])


class Interruption:
    """Answers of a model, some of which come after something was done to the database."""

    def __init__(self, act: Callable[[], object], *, at: tuple[int, ...]) -> None:
        self._act = act
        self._at = at
        self._count = 0
        self._lock = threading.Lock()

    def __call__(self, request: Received) -> Reply:
        with self._lock:
            self._count += 1
            if self._count in self._at:
                self._act()
        return Reply(text="Revenue fell by 12% in 2025.")


@pytest.mark.parametrize("at", [(1,), (5, 9, 20)])
def test_a_session_continues_when_the_server_ends_its_connections(
    project: Project, tmp_path: Path, postgres_url: str, at: tuple[int, ...]
) -> None:
    with ModelServer(Interruption(lambda: end_backends(postgres_url), at=at), latency=0.05) as server:
        ready = rosy(project, OPENAI_BASE_URL=server.url, REFORK_DB=postgres_url)
        done = ready.run(tmp_path / "project", "--agent-evals")
        asked = len(server.requests)
    assert done.code in (0, 1), done.output
    assert "INTERNALERROR" not in done.output
    assert "error" not in done.output.lower(), done.output
    assert asked == 3 * TRIALS, done.output


def test_a_session_continues_when_its_server_is_restarted(
    project: Project, tmp_path: Path, own_server: Any
) -> None:
    def restart() -> None:
        own_server.stop()
        time.sleep(2)
        own_server.start()

    with ModelServer(Interruption(restart, at=(5,)), latency=0.05) as server:
        ready = rosy(project, OPENAI_BASE_URL=server.url, REFORK_DB=own_server.get_uri())
        done = ready.run(tmp_path / "project", "--agent-evals")
        asked = len(server.requests)
    assert done.code in (0, 1), done.output
    assert "error" not in done.output.lower(), done.output
    assert asked == 3 * TRIALS, done.output
