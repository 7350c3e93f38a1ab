"""A user whose turns come by a step, or by a tool that is one, as a rule of the project's says."""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from refork.errors import BadInputError
from refork.fork import ForkSession
from refork.records import Answer, Case, Run, Step, StepKind
from refork.records.outcome import ErrorKind, Trial
from refork.tool_policy import Action, OnMiss, Rule, ToolPolicy
from refork.tool_policy.conversation import answering_other_words, transcript, turns_of, with_users
from refork.tool_policy.rule_files import project_rules
from support.apps import helpdesk as desk
from support.forks import case_of, measure
from support.model_server import Call, ModelServer, Received, Reply
from support.plots import TURNS, ask

pytestmark = pytest.mark.usefixtures("server")

STEPS = {
    "an_interview": "ask_user",
    "an_interview_in_async_code": "ask_user_async",
    "an_interview_in_sync_code": "ask_user",
}
TOOL = {"an_interview_by_a_tool": "ask_customer"}
PLAYED = {**dict.fromkeys(STEPS, TURNS), "an_interview_by_a_tool": ("?htnom hcihW", "?raey hcihW")}


@pytest.fixture(params=[*STEPS, *TOOL])
def plot(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def case(plot: str, runs: dict[str, Run], session: ForkSession) -> Case:
    """At the first answer, after which the user says two things."""
    replayed = session.replay(runs[plot])
    assert replayed.problem is None
    first = next(step.number for step in replayed.run.steps if step.kind is StepKind.MODEL)
    return case_of(replayed.run, first, scope="tail")


@pytest.fixture
def says(plot: str, session: ForkSession) -> Generator[Callable[..., ToolPolicy]]:
    """Sets the rule of the step by which the user's turns come, and the stub that stands for the user."""

    def rule(said: Any, user: Callable[..., Any] | None = None) -> ToolPolicy:
        host = session._host
        host.policy = ToolPolicy(rules=project_rules({(STEPS | TOOL)[plot]: said}))
        host.stubs = {} if user is None else {"customer": user}
        return host.policy

    yield rule
    session._host.policy, session._host.stubs = ToolPolicy(), {}


def only(session: ForkSession, case: Case) -> Trial:
    (trial,) = measure(session, case, 1).trials
    return trial


def heard(trial: Trial) -> list[str]:
    return [turn.text for turn in turns_of(trial.trajectory) if turn.role == "user"]


def test_the_recorded_turns_are_played_whatever_they_answer(
    plot: str, session: ForkSession, case: Case, says: Callable[..., ToolPolicy], ledger: Path
) -> None:
    policy = says({"user": True})
    trial = only(session, case)
    assert trial.error is None
    assert [each.rpartition(": ")[2] for each in heard(trial)] == list(PLAYED[plot])
    assert [turn.role for turn in turns_of(trial.trajectory)] == ["assistant", "user"] * 2 + ["assistant"]
    assert not ledger.exists()
    asked = [step.number for step in trial.trajectory if step.user]
    recorded = with_users(case.run, policy).steps
    # The model of these tests says nothing twice, but asks its tool the same.
    assert answering_other_words(trial.trajectory, recorded) == frozenset(() if plot in TOOL else asked)


def test_without_the_rule_a_question_that_was_not_recorded_is_denied(
    plot: str, session: ForkSession, case: Case, server: ModelServer
) -> None:
    trial = only(session, case)
    denied = trial.error is not None and trial.error.kind is ErrorKind.DENIED
    assert denied == (plot in STEPS)
    assert not any(step.user for step in trial.trajectory)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_stub_stands_for_the_user_until_it_says_no_more(
    plot: str, session: ForkSession, case: Case, says: Callable[..., ToolPolicy], is_async: bool
) -> None:
    told: list[list[str]] = []

    def user(turns: list[dict[str, str]]) -> str | None:
        told.append([turn["role"] for turn in turns])
        return "Are you sure?" if len(told) < 2 else None

    async def user_async(turns: list[dict[str, str]]) -> str | None:
        return user(turns)

    says({"user": True, "stub": "customer"}, user_async if is_async else user)
    trial = only(session, case)
    assert trial.error is None
    assert trial.answer is not None
    assert heard(trial) == ["Are you sure?"]
    before = [] if plot in TOOL else ["assistant"]
    assert [roles[-1:] for roles in told] == [before, before or ["user"]]


def test_a_stub_is_given_what_the_step_is_called_with(
    plot: str, session: ForkSession, case: Case, says: Callable[..., ToolPolicy]
) -> None:
    given: list[dict[str, Any]] = []

    def user(**arguments: Any) -> str:
        given.append(arguments)
        return "Well."

    says({"user": True, "stub": "customer"}, user)
    assert heard(only(session, case)) == ["Well."] * 2
    names = {"question"} if plot in TOOL else {"said", "turn"}
    assert [set(each) for each in given] == [{"turns", "world"} | names] * 2


def test_a_stub_that_raises_ends_the_trial_and_is_named(
    session: ForkSession, case: Case, says: Callable[..., ToolPolicy]
) -> None:
    def user() -> str:
        raise ConnectionError("the line is dead")

    says({"user": True, "stub": "customer"}, user)
    trial = only(session, case)
    assert trial.error is not None
    assert trial.error.message == (
        "the stub 'customer', which stands for the user, raised ConnectionError: the line is dead"
    )
    assert heard(trial) == []


@pytest.mark.parametrize("plot", ["an_interview", "an_interview_in_async_code"], indirect=True)
def test_one_question_more_than_was_recorded_ends_the_conversation(
    plot: str, session: ForkSession, case: Case, says: Callable[..., ToolPolicy], server: ModelServer
) -> None:
    async def asks_once_more(name: str) -> Any:
        said = [await ask(desk.clerk, name)]
        while True:  # never gives up
            question = said[-1], len(said)
            heard = await desk.ask_user_async(*question) if "async" in plot else desk.ask_user(*question)
            said.append(await ask(desk.clerk, heard))

    desk.plots[plot] = asks_once_more
    says({"user": True})
    trial = only(session, case)
    assert trial.error is None
    assert heard(trial) == list(TURNS)
    assert server.count == 3
    assert trial.answer is not None
    assert trial.answer.text == turns_of(trial.trajectory)[-1].text


@pytest.mark.parametrize("plot", list(TOOL), indirect=True)
def test_a_tool_that_asks_once_more_ends_the_conversation(
    session: ForkSession, case: Case, says: Callable[..., ToolPolicy], server: ModelServer
) -> None:
    def always_asks(request: Received) -> Reply:
        return Reply(calls=(Call("ask_customer", {"question": f"Question {request.turn}?"}),))

    server.script = always_asks
    policy = says({"user": True})
    trial = only(session, case)
    assert trial.error is None
    assert transcript(turns_of(trial.trajectory)) == (
        "assistant: Question 0?\nuser: The customer says: ?htnom hcihW\n"
        "assistant: Question 1?\nuser: The customer says: ?raey hcihW"
    )
    odd = answering_other_words(trial.trajectory, with_users(case.run, policy).steps)
    assert odd == {step.number for step in trial.trajectory if step.user and step.output is not None}


def test_a_user_who_is_denied_is_not_heard(
    plot: str, session: ForkSession, case: Case, says: Callable[..., ToolPolicy]
) -> None:
    says({"user": True})
    denied = case_of(case.run, case.step, scope="tail", tools={(STEPS | TOOL)[plot]: "deny"})
    trial = only(session, denied)
    assert trial.error is not None
    assert trial.error.kind is ErrorKind.DENIED


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({"user": True}, Rule(pattern="ask_user", action=Action.REPLAY, user=True)),
        ({"user": True, "stub": "c"}, Rule(pattern="ask_user", action=Action.STUB, stub="c", user=True)),
    ],
)
def test_a_rule_says_who_the_user_is(said: Any, rule: Rule) -> None:
    (made,) = project_rules({"ask_user": said})
    assert made == rule
    policy = ToolPolicy(rules=(made,), on_miss=OnMiss.TELL)
    assert [policy.is_user(name) for name in ("ask_user", "Desk.ask_user", "DBOS.recv", "note")] == [
        True, True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"ask_user": {"user": False}}, "has no {stub = \"name\"} for 'ask_user'"),
        (
            {"ask_user": {"user": "yes"}},
            "for 'ask_user', but {'user': 'yes'}; {user = true} says that it is the user",
        ),
        ({"ask_user": {"user": True, "stub": ""}}, "{user = true} says that it is the user"),
        ({"ask_user": {"user": True, "live": True}}, "{user = true} says that it is the user"),
        ({"DBOS.getEvent": {"user": True}}, "only 'DBOS.recv' brings the user's turns"),
    ],
)
def test_a_rule_that_says_it_wrongly_is_refused(rules: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInputError) as caught:
        project_rules(rules)
    assert said in str(caught.value)


def test_only_steps_that_ask_nobody_else_are_the_users() -> None:
    run = Run(
        id="r",
        workflow="w",
        status="SUCCESS",
        steps=(
            Step(number=1, name="ask_model", kind=StepKind.MODEL, answer=Answer(text="Hello.")),
            Step(number=2, name="Desk.ask_user", output="Hi."),
            Step(number=3, name="ask_child", child_run="c", output="Hi."),
            Step(number=4, name="get_it", kind=StepKind.TOOL, tool="ask_tool", output="Hi."),
        ),
    )
    policy = ToolPolicy(rules=project_rules({"ask_*": {"user": True}}))
    assert [step.user for step in with_users(run, policy).steps] == [False, True, False, True]
    assert with_users(run, ToolPolicy()) is run
