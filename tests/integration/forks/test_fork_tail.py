"""A tail goes on from the fork point to the end of the workflow, and acts only where the project said so."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from refork.errors import ForkError
from refork.fork import ForkSession
from refork.records import Case, Run, StepKind
from refork.records.outcome import ErrorKind, ForkStatus, Trial
from refork.tool_policy import OnMiss, ToolPolicy
from refork.tool_policy.rule_files import project_rules
from refork.values import decode
from support.forks import CAREFUL, case_of, limits, measure
from support.model_server import Failure, ModelServer
from support.random_tails import TOOLS, acted_in_random_tails

FIRST_CALL = 2


def tail_of(session: ForkSession, run: Run, step: int) -> Case:
    replayed = session.replay(run)
    assert replayed.problem is None
    return case_of(replayed.run, step, scope="tail")


@pytest.fixture
def case(runs: dict[str, Run], session: ForkSession) -> Case:
    """At the first model call of a run with a step before it, two tools, and a step after."""
    replayed = session.replay(runs["a_long_run"])
    assert replayed.problem is None
    assert [step.kind for step in replayed.run.steps][FIRST_CALL - 1] is StepKind.MODEL
    return case_of(replayed.run, FIRST_CALL, agent="Clerk", scope="tail")


@contextmanager
def granted(session: ForkSession, **tools: str) -> Generator[None]:
    policy(session, on_miss=None, **tools)
    yield
    policy(session)


def policy(session: ForkSession, *, on_miss: OnMiss | None = None, **tools: str) -> None:
    session._host.policy = ToolPolicy(rules=project_rules(tools), on_miss=on_miss)


@pytest.fixture(autouse=True)
def nothing_granted(session: ForkSession) -> Generator[None]:
    yield
    session._host.policy = ToolPolicy()


def tools_of(trial: Trial) -> list[object]:
    return [(step.tool, step.arguments) for step in trial.trajectory if step.tool]


def test_recorded_results_answer_every_tool_and_step(
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


def test_a_trial_that_is_denied_tells_what_it_paid_for_and_shows_its_steps(
    session: ForkSession, case: Case, server: ModelServer
) -> None:
    outcome = measure(session, case, {"careful": 2}, CAREFUL)
    trials = outcome.trials
    assert [trial.error is not None and trial.error.kind for trial in trials] == [ErrorKind.DENIED] * 2
    paid = [trial.usage.calls for trial in trials if trial.usage is not None]
    assert sum(paid) == server.count
    assert sum(len(trial.cached_steps) for trial in trials) == server.count
    assert all(any(step.kind is StepKind.MODEL for step in trial.trajectory) for trial in trials)


def test_tails_that_are_denied_alike_are_stopped_after_a_few(
    session: ForkSession, case: Case, server: ModelServer
) -> None:
    with limits(session, concurrency=1):
        outcome = measure(session, case, {"careful": 12}, CAREFUL)
    assert len(outcome.trials) == 12
    assert sum(trial.usage is not None for trial in outcome.trials) == 3
    last = outcome.trials[-1].error
    assert last is not None
    assert "not tried: the 3 trials before it ended alike" in last.message


def test_the_model_may_receive_the_message_of_a_miss(
    session: ForkSession, case: Case, server: ModelServer, ledger: Path
) -> None:
    policy(session, on_miss=OnMiss.TELL)
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
    assert ledger.read_text(encoding="utf-8") == "refund 500\n"
    assert [step.output for step in trial.trajectory if step.tool == "refund"] == ["refunded 500"]


def test_a_stub_answers_in_the_place_of_a_tool(
    session: ForkSession, case: Case, ledger: Path, server: ModelServer
) -> None:
    policy(session, refund="stub")
    session._host.stubs = {"refund": pretend}
    (trial,) = measure(session, case, {"careful": 1}, CAREFUL).trials
    assert trial.error is None
    assert "pretended 500" in str(server.bodies[-1]["messages"][-1]["content"])
    assert not ledger.exists()


@pytest.mark.parametrize("scope", ["tail", "step"])
@pytest.mark.parametrize("step", [1, 2, 4, 5])
@pytest.mark.usefixtures("server")
def test_a_tool_that_is_no_step_is_answered_from_the_recorded_messages(
    scope: str, step: int, runs: dict[str, Run], session: ForkSession, ledger: Path
) -> None:
    with granted(session, jot="live"):
        run = tail_of(session, runs["tools_that_are_no_steps"], 1).run
    assert [each.name.rpartition(".")[2] for each in run.steps] == [
        "_model_call_step", "_model_call_step", "look_up", "_model_call_step", "_model_call_step",
    ]  # fmt: skip
    if run.steps[step - 1].kind is not StepKind.MODEL:
        pytest.fail("the plot has changed")
    ledger.unlink()
    outcome = measure(session, case_of(run, step, scope=scope), 2)
    assert [trial.error for trial in outcome.trials] == [None, None]
    assert not ledger.exists()


@pytest.mark.usefixtures("server")
def test_a_tool_that_is_no_step_and_whose_answer_nobody_knows_does_not_act(
    runs: dict[str, Run], session: ForkSession, ledger: Path
) -> None:
    run = runs["tools_that_are_no_steps"]
    said = "the result of tool 'jot' was not recorded"
    assert said in str(session.replay(run).problem)
    outcome = measure(session, case_of(run), 1)
    assert (outcome.status, said in outcome.reason) == (ForkStatus.ERROR, True)
    (trial,) = measure(session, case_of(run, scope="tail"), 1).trials
    assert trial.error is not None
    assert trial.error.type == "ToolDeniedError"
    assert not ledger.exists()


def test_a_tool_step_is_rerun_where_it_may_act_and_nothing_after_it(
    runs: dict[str, Run], session: ForkSession, server: ModelServer, ledger: Path
) -> None:
    run = runs["parallel_tools_before"]
    case = case_of(run, next(step.number for step in run.steps if step.tool == "refund"))
    with pytest.raises(ForkError, match=r'set refund = "live" under \[tool.refork.tools\]'):
        session.fork(case)
    policy(session, refund="live")
    outcome = measure(session, case, 2)
    assert [trial.answer.text for trial in outcome.trials if trial.answer] == ["refunded 5", "refunded 5"]
    assert ledger.read_text(encoding="utf-8") == "refund 5\n" * 2
    assert server.count == 0


def test_a_tail_that_the_application_breaks_off_failed_and_one_without_a_model_was_not_measured(
    runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    case = tail_of(session, runs["structured_output"], 1)
    server.script = lambda _request: "I would rather not."
    (broken,) = measure(session, case, 1).trials
    assert broken.error is not None
    assert (broken.error.type, broken.error.own) == ("ModelBehaviorError", True)
    assert broken.usage is not None
    server.script = lambda _request: Failure(401, "wrong key")
    (unreached,) = measure(session, case, 1).trials
    assert unreached.error is not None
    assert unreached.error.own is False


@pytest.mark.usefixtures("server")
def test_a_step_that_is_given_the_id_of_its_workflow_is_the_same_call_in_a_tail(
    runs: dict[str, Run], session: ForkSession, ledger: Path
) -> None:
    case = tail_of(session, runs["a_step_given_its_workflows_id"], 1)
    last = case.run.steps[-1]
    assert last.arguments == {"text": f"ticket of {case.run.id}"}
    (trial,) = measure(session, case, 1).trials
    assert trial.error is None
    assert trial.answer is not None
    assert trial.answer.structured[1] == last.output
    assert not ledger.exists()


def test_a_tail_may_begin_with_a_tool(
    session: ForkSession, case: Case, server: ModelServer, ledger: Path
) -> None:
    policy(session, look_up="live")
    (trial,) = measure(session, case_of(case.run, 3, scope="tail"), 1).trials
    assert trial.error is None
    assert [step.label or step.name for step in trial.trajectory] == [
        "look_up",
        "Clerk",
        "refund",
        "Clerk",
        "note",
    ]
    assert ledger.read_text(encoding="utf-8") == "look_up Ann\n"


def pretend(**arguments: object) -> str:
    return f"pretended {' '.join(map(str, arguments.values()))}"


@pytest.mark.parametrize("plot", ["effects_after", "effects_after_in_sync_code"])
def test_operations_of_the_workflow_itself_are_answered_from_the_record(
    plot: str, runs: dict[str, Run], session: ForkSession, server: ModelServer, ledger: Path
) -> None:
    before = rows(session)
    (trial,) = measure(session, tail_of(session, runs[plot], 1), 1).trials
    assert trial.error is None
    assert trial.answer is not None
    recorded = decode(runs[plot].output)
    assert trial.answer.structured[1:] == recorded[1:]
    assert not ledger.exists()
    assert rows(session) == before


def rows(session: ForkSession) -> dict[str, int]:
    """How many messages, events and stream entries the evals database holds."""
    tables = session._host.system_database.tables
    with session._host.system_database.engine.connect() as connection:
        return {
            table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in (tables.notifications, tables.workflow_events, tables.streams)
        }


@pytest.mark.slow
def test_over_every_policy_and_random_tails_only_what_is_live_acts(
    runs: dict[str, Run], session: ForkSession, server: ModelServer, ledger: Path
) -> None:
    """A sample: the slow tests try a thousand."""
    acted = acted_in_random_tails(session, runs["a_long_run"], server, ledger, tails=20)
    assert acted <= set(TOOLS)
    assert acted
