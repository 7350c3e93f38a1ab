"""How a session ends: gently, keeping what is being paid for, or at once."""

import os
import sys
import time
from pathlib import Path

import pytest
from refork.fork import open_session
from refork.records import Run
from support.forks import case_of, fresh_session, measure, plan
from support.model_server import ModelServer


def test_a_limit_of_one_runs_one_trial_after_the_other(runs: dict[str, Run], server: ModelServer) -> None:
    server.latency = 0.02
    with fresh_session(concurrency=1) as session:
        forks = [session.fork(case_of(runs[name])) for name in ("one_call", "run_sync")]
        for fork in forks:
            plan(fork, 4)
            fork.close()
        assert all(fork.wait(20) for fork in forks)
    assert (server.count, server.most_in_flight) == (8, 1)


def test_stopping_keeps_every_answer_in_flight_and_starts_no_more(
    runs: dict[str, Run], server: ModelServer
) -> None:
    with fresh_session() as session:
        fork = session.fork(case_of(runs["one_call"]))
        other = session.fork(case_of(runs["run_sync"]))
        with server.held():
            futures = plan(fork, 20) + plan(other, 5)
            server.wait_for(8)
            server.latency = 0.2
            fork.stop()
            other.stop()
        session.stop()
        kept = [*fork.outcome().trials, *other.outcome().trials]
        assert len(kept) == 8
        assert all(trial.answer for trial in kept)
        assert server.count == 8
        assert sum(future.cancelled() for future in futures) == 17
        assert [fork.outcome().reason, other.outcome().reason] == ["", ""]


def test_shutting_does_not_wait_and_tells_everyone_who_waits(
    runs: dict[str, Run], server: ModelServer
) -> None:
    with server.held():
        started = time.monotonic()
        with fresh_session() as session:
            fork = session.fork(case_of(runs["one_call"]))
            futures = plan(fork, 20)
            server.wait_for(8)
        assert time.monotonic() - started < 5
        errors = {str(future.exception(1)) for future in futures}
    assert errors == {"the session ended before the fork did"}
    assert fork.outcome().reason == "the session ended before the fork did"
    assert server.count == 8


@pytest.mark.parametrize("name", ["a_tool_before", "a_model_instance", "run_sync"])
def test_a_missing_key_is_one_clear_error_and_no_call(
    name: str, runs: dict[str, Run], server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with fresh_session() as session:
        assert session.replay(runs[name]).problem is None
        outcome = measure(session, case_of(runs[name]), 3)
    assert {trial.error.message for trial in outcome.trials if trial.error} == {
        "no key for the model: set OPENAI_API_KEY to make live calls"
    }
    assert server.count == 0
    assert "OPENAI_API_KEY" not in os.environ


def test_an_application_that_makes_its_client_when_it_is_imported_needs_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "client_at_import.py").write_text("from openai import AsyncOpenAI\nclient = AsyncOpenAI()\n")
    with open_session(root=tmp_path, modules=("client_at_import",)):
        pass
