"""A tail goes on from the fork point to the end of the workflow, and acts only where the project said so."""

from collections.abc import Generator
from pathlib import Path

import pytest
from refork.case import Case, Run, StepKind
from refork.files.tool_rules import project_rules
from refork.fork import ForkSession
from refork.outcome import ForkStatus, Trial
from refork.policy import OnMiss, ToolPolicy
from support.forks import CAREFUL, case_of, measure
from support.model_server import ModelServer

FIRST_CALL = 2


@pytest.fixture
def case(runs: dict[str, Run], session: ForkSession) -> Case:
    """At the first model call of a run with a step before it, two tools, and a step after."""
    replayed = session.replay(runs["a_long_run"])
    assert replayed.problem is None
    assert [step.kind for step in replayed.run.steps][FIRST_CALL - 1] is StepKind.MODEL
    return case_of(replayed.run, FIRST_CALL, agent="Clerk", scope="tail")


def policy(session: ForkSession, on_miss: OnMiss | None = None, **tools: str) -> None:
    session._host.policy = ToolPolicy(rules=project_rules(tools), on_miss=on_miss)


@pytest.fixture(autouse=True)
def nothing_granted(session: ForkSession) -> Generator[None]:
    yield
    session._host.policy = ToolPolicy()


def tools_of(trial: Trial) -> list[object]:
    return [(step.tool, step.arguments) for step in trial.trajectory if step.tool]


def test_what_was_recorded_answers_for_every_tool_and_step(
    session: ForkSession, case: Case, server: ModelServer, ledger: Path
) -> None:
    outcome = measure(session, case, 3)
    assert (outcome.status, outcome.reason) == (ForkStatus.MEASURED, "")
    for trial in outcome.trials:
        assert trial.error is None
        assert trial.answer is not None
        assert trial.answer.structured["noted"] == "noted after"
        assert [call.name for call in trial.answer.tool_calls] == ["look_up", "refund"]
        assert trial.usage is not None
        assert trial.usage.calls == 3
        assert [step.label or step.name for step in trial.trajectory] == [
            "Clerk", "look_up", "Clerk", "refund", "Clerk", "note",
        ]  # fmt: skip
    assert server.count == 9
    assert not ledger.exists()


def test_a_call_that_nobody_recorded_is_denied_and_named_with_the_nearest(
    session: ForkSession, case: Case, server: ModelServer, ledger: Path
) -> None:
    outcome = measure(session, case, {"careful": 2}, CAREFUL)
    assert outcome.status is ForkStatus.MEASURED
    for trial in outcome.trials:
        assert trial.error is not None
        assert trial.error.type == "ToolDeniedError"
        assert 'refund({"amount":500}) was not recorded' in trial.error.message
        assert '"amount":5' in trial.error.message.partition("nearest")[2]
    assert not ledger.exists()
    assert server.count == 4


def test_the_model_may_be_told_of_a_miss(
    session: ForkSession, case: Case, server: ModelServer, ledger: Path
) -> None:
    policy(session, OnMiss.TELL)
    (trial,) = measure(session, case, {"careful": 1}, CAREFUL).trials
    assert trial.error is None
    assert "was not recorded" in str(server.bodies[-1]["messages"][-1]["content"])
    assert not ledger.exists()


def test_a_tool_acts_where_the_project_says_live_and_no_other_does(
    session: ForkSession, case: Case, ledger: Path, server: ModelServer
) -> None:
    policy(session, refund="live")
    (trial,) = measure(session, case, {"careful": 1}, CAREFUL).trials
    assert trial.error is None
    assert ledger.read_text() == "refund 500\n"
    assert [step.output for step in trial.trajectory if step.tool == "refund"] == ["refunded 500"]


def test_a_stub_answers_in_the_place_of_a_tool(
    session: ForkSession, case: Case, ledger: Path, server: ModelServer
) -> None:
    policy(session, refund="stub")
    session._host.stubs = {"refund": lambda amount: f"pretended {amount}"}
    (trial,) = measure(session, case, {"careful": 1}, CAREFUL).trials
    assert trial.error is None
    assert "pretended 500" in str(server.bodies[-1]["messages"][-1]["content"])
    assert not ledger.exists()
