"""What is kept of one scope is not taken for what another asks, and keeps what it took."""

import asyncio
import dataclasses
from collections.abc import Generator
from pathlib import Path

import pytest
from agents import Agent, Runner
from refork.answer_cache import AnswersMode
from refork.answer_cache.answers_file import load_answers
from refork.errors import AnswerMissingError
from refork.fork import ForkSession
from refork.records import Case, Run
from support.forks import case_of, measure
from support.kept import recorded, use
from support.model_server import ModelServer


@pytest.fixture
def tail(runs: dict[str, Run], session: ForkSession, tmp_path: Path) -> Case:
    made = case_of(session.replay(runs["a_long_run"]).run, 2, agent="Clerk", scope="tail")
    return dataclasses.replace(made, folder=tmp_path / "case")


@pytest.fixture(autouse=True)
def as_before(session: ForkSession) -> Generator[None]:
    limits = session._host.limits
    yield
    session._host.limits = limits


def test_a_case_of_either_scope_asks_for_its_own(
    session: ForkSession, tail: Case, server: ModelServer
) -> None:
    recorded(session, tail, 1)
    of_tail = load_answers(tail.folder)
    step = dataclasses.replace(tail, scope="step")
    server.requests.clear()
    (trial,) = recorded(session, step, 1).trials
    assert server.count == 1
    assert trial.answer is not None
    assert of_tail.items() <= load_answers(tail.folder).items()
    server.requests.clear()
    use(session, AnswersMode.REUSE)
    assert all(trial.reused for case in (tail, step) for trial in measure(session, case, 1).trials)
    assert server.count == 0


def test_a_tail_that_is_answered_from_what_is_kept_took_as_long_as_when_it_was_made(
    session: ForkSession, tail: Case, server: ModelServer
) -> None:
    server.latency = 0.3
    (first,) = recorded(session, tail, 1).trials
    use(session, AnswersMode.OFFLINE)
    (again,) = measure(session, tail, 1).trials
    assert again.reused
    assert first.seconds > 0.6
    assert again.seconds == pytest.approx(first.seconds, abs=0.5 * first.seconds)


def test_a_tail_needs_no_key_where_all_of_it_is_kept(
    session: ForkSession, tail: Case, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(session, tail, 1)
    monkeypatch.setattr("refork.frameworks.openai_agents.hooks.check_key", _no_key)
    use(session, AnswersMode.OFFLINE)
    (again,) = measure(session, tail, 1).trials
    assert again.error is None
    assert again.reused


def _no_key(_self: object) -> None:
    raise AssertionError("there is no key")


async def _asked(agent: Agent[None]) -> None:
    await Runner.run(agent, "Hello")


def test_offline_no_agent_is_asked_wherever_it_runs(session: ForkSession, server: ModelServer) -> None:
    use(session, AnswersMode.OFFLINE)
    with pytest.raises(AnswerMissingError, match="agent 'outsider' calls its model"):
        asyncio.run(_asked(Agent(name="outsider", instructions="Answer.", model="small")))
    assert server.count == 0
