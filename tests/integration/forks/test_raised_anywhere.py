"""What an application's code raises after the fork point ends its trial, never the session, whatever it is."""

import asyncio
from collections.abc import Generator
from typing import Any

import pytest
from refork.fork import ForkSession
from refork.records import Run
from refork.records.outcome import ErrorKind, ForkStatus
from refork.tool_policy import ToolPolicy
from refork.tool_policy.rule_files import project_rules
from support.apps import helpdesk as desk
from support.forks import case_of, limits, measure
from support.model_server import ModelServer
from support.plots import ask

FIRST_CALL = 2


class _Unspeakable(Exception):  # noqa: N818 - what it is named decides nothing
    def __str__(self) -> str:
        raise RuntimeError


class _Base(BaseException):
    pass


class _Unpicklable(Exception):  # noqa: N818
    def __init__(self, one: object, two: object) -> None:
        super().__init__("holds a function")
        self.held = (one, two, lambda: None)


RAISED: list[BaseException] = [
    ValueError("plain"),
    ExceptionGroup("several", [KeyError("first"), OSError("second")]),
    BaseExceptionGroup("several", [SystemExit(3), ValueError("second")]),
    SystemExit(2),
    GeneratorExit(),
    asyncio.CancelledError(),
    StopAsyncIteration(),
    RecursionError("too deep"),
    MemoryError(),
    _Unspeakable(),
    _Base("of its own"),
    _Unpicklable(1, 2),
    Exception("x" * 1_000_000),
]


@pytest.fixture(autouse=True)
def short(session: ForkSession, server: ModelServer) -> Generator[None]:
    host = session._host
    before = host.policy
    host.policy = ToolPolicy(rules=project_rules({"note": "live", "note_async": "live"}))
    with limits(session, attempts=1):
        yield
    host.policy = before


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("where", ["workflow", "step"])
def test_a_tail_ends_as_a_failure_of_its_own(
    where: str,
    error: BaseException,
    runs: dict[str, Run],
    session: ForkSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def today(name: str) -> Any:
        await desk.note_async("before")
        await ask(desk.clerk, name)
        if where == "workflow":
            raise error
        return desk.note("after")

    def raises(_line: str) -> None:
        raise error

    replayed = session.replay(runs["a_long_run"])
    monkeypatch.setitem(desk.plots, "a_long_run", today)
    if where == "step":
        monkeypatch.setattr(desk, "write", raises)
    case = case_of(replayed.run, FIRST_CALL, agent="Clerk", scope="tail")
    outcome = measure(session, case, 1, seconds=60)
    assert outcome.status is ForkStatus.MEASURED, outcome.reason
    (trial,) = outcome.trials
    assert trial.error is not None
    assert trial.error.message
    assert len(trial.error.message) < 700


def test_a_fault_of_our_own_at_a_trials_end_ends_it_and_says_so(
    runs: dict[str, Run], session: ForkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any, **_options: Any) -> Any:
        raise LookupError("in our own code")

    replayed = session.replay(runs["a_long_run"])
    monkeypatch.setattr("refork.fork.tails.tail_outcome.answer_of", broken)
    monkeypatch.setattr("refork.fork.tails.trajectory_recorder.TrajectoryRecorder.steps", broken)
    case = case_of(replayed.run, FIRST_CALL, agent="Clerk", scope="tail")
    (trial,) = measure(session, case, 1, seconds=60).trials
    assert trial.error is not None
    assert trial.error.kind is ErrorKind.INTERNAL
    assert trial.error.message == "Refork itself failed here, please report it: LookupError: in our own code"
