"""A conversation in a tail: the user's recorded turns are played, or a stub stands for the user, and then it ends."""

from collections.abc import Callable, Generator
from typing import Any

import pytest
from dbos import DBOS
from refork.errors import BadInputError
from refork.fork import ForkSession
from refork.records import Case, Run, StepKind
from refork.records.outcome import Trial
from refork.tool_policy import ToolPolicy
from refork.tool_policy.conversation import transcript, turns_of
from refork.tool_policy.rule_files import project_rules
from support.apps import helpdesk as desk
from support.forks import case_of, measure
from support.model_server import ModelServer
from support.plots import TURNS, ask

CHATS = ("a_chat", "a_chat_in_sync_code")


@pytest.fixture
def case(request: pytest.FixtureRequest, runs: dict[str, Run], session: ForkSession) -> Case:
    """At the first answer of a chat, whose user says two things more and then nothing."""
    replayed = session.replay(runs[getattr(request, "param", "a_chat")])
    assert replayed.problem is None
    first = next(step.number for step in replayed.run.steps if step.kind is StepKind.MODEL)
    return case_of(replayed.run, first, scope="tail")


@pytest.fixture
def played(session: ForkSession) -> Generator[Callable[..., None]]:
    """Lets a stub stand for the user."""

    def play(user: Callable[..., Any]) -> None:
        host = session._host
        host.policy = ToolPolicy(rules=project_rules({"DBOS.recv": {"stub": "user"}}))
        host.stubs = {"user": user}

    yield play
    session._host.policy, session._host.stubs = ToolPolicy(), {}


def only(session: ForkSession, case: Case) -> Trial:
    (trial,) = measure(session, case, 1).trials
    return trial


def heard(trial: Trial) -> list[str]:
    return [turn.text for turn in turns_of(trial.trajectory) if turn.role == "user"]


@pytest.mark.parametrize("case", CHATS, indirect=True)
def test_the_recorded_turns_are_played_and_stand_in_the_trajectory(
    session: ForkSession, case: Case, server: ModelServer
) -> None:
    trial = only(session, case)
    assert trial.error is None
    assert heard(trial) == list(TURNS)
    assert [turn.role for turn in turns_of(trial.trajectory)] == [
        "assistant", "user", "assistant", "user", "assistant",
    ]  # fmt: skip
    assert server.count == 3


@pytest.mark.parametrize("case", CHATS, indirect=True)
def test_a_stub_for_the_user_receives_the_conversation(
    session: ForkSession, case: Case, server: ModelServer, played: Callable[..., None]
) -> None:
    told: list[dict[str, Any]] = []

    def user(*, topic: str, timeout_seconds: float, turns: list[dict[str, str]]) -> str | None:
        told.append({"topic": topic, "timeout": timeout_seconds, "roles": [turn["role"] for turn in turns]})
        return "Are you sure?" if len(told) < 4 else None

    played(user)
    trial = only(session, case)
    assert trial.error is None
    assert heard(trial) == ["Are you sure?"] * 3
    assert server.count == 4
    assert told[0] == {"topic": "user", "timeout": 0.05, "roles": ["assistant"]}
    assert told[2]["roles"] == ["assistant", "user", "assistant", "user", "assistant"]


@pytest.mark.parametrize("case", CHATS, indirect=True)
def test_an_asynchronous_stub_that_takes_nothing_will_do_too(
    session: ForkSession, case: Case, server: ModelServer, played: Callable[..., None]
) -> None:
    turns = iter(["One more thing."])

    async def user() -> str | None:
        return next(turns, None)

    played(user)
    assert heard(only(session, case)) == ["One more thing."]


def test_a_stub_that_raises_ends_the_trial_and_is_named(
    session: ForkSession, case: Case, server: ModelServer, played: Callable[..., None]
) -> None:
    def user() -> str:
        raise ConnectionError("the line is dead")

    played(user)
    trial = only(session, case)
    assert trial.error is not None
    assert trial.error.message == (
        "the stub 'user', which stands for the user, raised ConnectionError: the line is dead"
    )
    assert len(turns_of(trial.trajectory)) == 1


def test_one_turn_more_than_was_recorded_finds_nobody_and_the_conversation_ends(
    session: ForkSession, case: Case, server: ModelServer
) -> None:
    async def asks_once_more(name: str) -> Any:
        own = DBOS.workflow_id
        assert own is not None
        for turn in TURNS:
            await DBOS.send_async(own, turn, "user")
        said = [await ask(desk.clerk, name)]
        while True:  # never gives up
            said.append(await ask(desk.clerk, str(await DBOS.recv_async("user", timeout_seconds=0.05))))

    desk.plots["a_chat"] = asks_once_more
    trial = only(session, case)
    assert trial.error is None
    assert trial.answer is not None
    assert heard(trial) == list(TURNS)
    assert server.count == 4  # the last of them to the wait that ran out
    assert (
        trial.answer.text
        == [turn.text for turn in turns_of(trial.trajectory) if turn.role == "assistant"][-1]
    )


def test_a_conversation_reads_as_one(session: ForkSession, case: Case, server: ModelServer) -> None:
    text = transcript(turns_of(only(session, case).trajectory))
    assert "\nuser: And in March?\nassistant: " in text


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"DBOS.recv": "live"}, "nobody sends to a rerun"),
        ({"DBOS.send": {"stub": "mail"}}, "only 'DBOS.recv' can have one"),
        ({"DBOS.*": "stub"}, "only 'DBOS.recv' can have one"),
    ],
)
def test_a_rule_that_cannot_hold_is_refused_when_it_is_read(rules: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        project_rules(rules)
