"""A hook puts the world where the recorded run had brought it, once before each trial of a tail."""

import time
from collections.abc import Callable, Generator
from typing import Any

import pytest
from refork.errors import BadInputError
from refork.fork import ForkSession
from refork.records import Case, Run, StepKind
from refork.records.outcome import Trial
from refork.tool_policy import ToolPolicy
from refork.tool_policy.before_trial import EarlierCall, before_trial, forget_hook
from refork.tool_policy.rule_files import project_rules
from support.forks import case_of, measure
from support.model_server import ModelServer


@pytest.fixture
def case(runs: dict[str, Run], session: ForkSession) -> Generator[Case]:
    """After the first tool call of a run, with a second one to come."""
    replayed = session.replay(runs["a_long_run"])
    models = [step.number for step in replayed.run.steps if step.kind is StepKind.MODEL]
    yield case_of(replayed.run, models[1], agent="Clerk", scope="tail")
    session._host.policy, session._host.stubs = ToolPolicy(), {}
    forget_hook()


@pytest.fixture
def stubbed(session: ForkSession) -> Callable[..., None]:
    """Lets a stub stand for the refund."""

    def put(function: Callable[..., Any]) -> None:
        session._host.policy = ToolPolicy(rules=project_rules({"refund": "stub"}))
        session._host.stubs = {"refund": function}

    return put


def eventually(holds: Callable[[], bool]) -> None:
    """A trial is given before its world is tidied up."""
    until = time.monotonic() + 10
    while not holds() and time.monotonic() < until:
        time.sleep(0.02)
    assert holds()


def trials(session: ForkSession, case: Case, count: int) -> tuple[Trial, ...]:
    return measure(session, case, count).trials


@pytest.mark.parametrize("kind", ["function", "async", "generator"])
def test_a_stub_is_given_the_world_of_its_own_trial(
    session: ForkSession, case: Case, server: ModelServer, stubbed: Callable[..., None], kind: str
) -> None:
    seen: list[tuple[str, str, int]] = []
    worlds: list[list[str]] = []
    tidied: list[list[str]] = []

    def world(calls: tuple[EarlierCall, ...], trial: int) -> list[str]:
        made = [f"trial {trial}", *(f"{call.name} {call.arguments} {call.output}" for call in calls)]
        worlds.append(made)
        return made

    def plain(calls: tuple[EarlierCall, ...], case: str, variant: str, trial: int) -> list[str]:
        seen.append((case, variant, trial))
        return world(calls, trial)

    async def later(calls: tuple[EarlierCall, ...], trial: int) -> list[str]:
        return world(calls, trial)

    def around(calls: tuple[EarlierCall, ...], trial: int) -> Generator[list[str]]:
        made = world(calls, trial)
        yield made
        tidied.append(made)

    hooks: dict[str, Callable[..., Any]] = {"function": plain, "async": later, "generator": around}
    before_trial(hooks[kind])
    used: list[list[str]] = []

    def refund(amount: int, world: list[str]) -> str:
        used.append(world)
        return f"refunded {amount}"

    stubbed(refund)
    found = trials(session, case, 3)
    assert [trial.error for trial in found] == [None] * 3
    assert sorted(world[0] for world in worlds) == ["trial 1", "trial 2", "trial 3"]
    assert sorted(map(id, used)) == sorted(map(id, worlds))
    assert all(len(world) == 2 and world[1].startswith("look_up {") for world in worlds)
    eventually(lambda: len(tidied) == (3 if kind == "generator" else 0))
    assert len(seen) == (3 if kind == "function" else 0)


@pytest.mark.parametrize("kind", ["function", "async", "generator"])
def test_a_hook_that_raises_ends_the_trial_before_anything_is_paid(
    session: ForkSession, case: Case, server: ModelServer, kind: str
) -> None:
    def plain() -> None:
        raise OSError("no database")

    async def later() -> None:
        raise OSError("no database")

    def around() -> Generator[None]:
        raise OSError("no database")
        yield

    before_trial({"function": plain, "async": later, "generator": around}[kind])
    (trial,) = trials(session, case, 1)
    assert trial.error is not None
    assert "which prepares the trial, raised OSError: no database" in trial.error.message
    assert server.count == 0


def test_an_exception_after_the_trial_has_no_effect_on_it(
    session: ForkSession, case: Case, server: ModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    def around() -> Generator[None]:
        yield
        raise OSError("already closed")

    before_trial(around)
    (trial,) = trials(session, case, 1)
    assert trial.error is None
    eventually(lambda: "raised after its trial: OSError: already closed" in caplog.text)


async def _asynchronous() -> Any:
    yield


def _wants_a_database(database: object) -> None: ...


def _one(calls: object) -> None: ...


def _other(trial: int) -> None: ...


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        (_wants_a_database, "wants 'database'; it can have calls, case, variant, trial"),
        (_asynchronous, "is an asynchronous generator"),
        ("name", "must stand above a function, and not a str"),
    ],
)
def test_a_hook_that_cannot_be_called_is_refused(hook: Any, said: str, case: Case) -> None:
    with pytest.raises(BadInputError, match=said):
        before_trial(hook)


def test_a_second_hook_is_refused(case: Case) -> None:
    before_trial(_one)
    with pytest.raises(BadInputError, match="is registered twice"):
        before_trial(_other)
