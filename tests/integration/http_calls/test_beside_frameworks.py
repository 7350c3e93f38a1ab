"""Plain steps that ask a model, in runs of an agent framework: known, tried and kept as in any other run."""

from pathlib import Path

import pytest
from integration.http_calls.conftest import Runs
from refork.answer_cache import AnswersMode
from refork.fork import ForkSession
from refork.records import Case, StepKind
from support.forks import CAREFUL, measure, text_of
from support.kept import recorded as recorded_and_kept
from support.kept import use
from support.model_server import ModelServer


def test_a_replay_knows_the_frameworks_steps_and_the_plain_one(
    session: ForkSession, recorded: Runs, server: ModelServer
) -> None:
    replay = session.replay(recorded("mixed"))
    assert (replay.problem, replay.run.framework) == (None, "openai-agents")
    told = [(step.kind, step.agent, step.request and step.request.prompt) for step in replay.run.steps]
    assert told == [
        (StepKind.MODEL, "classify", "You sort letters."),
        (StepKind.MODEL, "Clerk", "You file letters."),
    ]
    assert server.count == 0


@pytest.mark.parametrize("at", ["step, 1, classify", "step, 2, Clerk", "tail, 1, classify", "tail, 2, Clerk"])
def test_each_is_tried_and_kept(
    session: ForkSession, recorded: Runs, server: ModelServer, tmp_path: Path, at: str
) -> None:
    scope, step, agent = at.split(", ")
    run = session.replay(recorded("mixed")).run
    case = Case(name="mixed", folder=tmp_path, run=run, step=int(step), agent=agent, scope=scope)
    server.requests.clear()
    first = recorded_and_kept(session, case, 1, CAREFUL)
    assert [trial.error for trial in first.trials] == [None, None]
    prompt = {"classify": "You sort letters.", "Clerk": "You file letters."}[agent]
    assert {f"Careful! {prompt}", prompt} <= {r.instructions for r in server.requests}
    assert [r.instructions for r in server.requests if "Careful" in r.instructions] == [f"Careful! {prompt}"]
    assert "To the clerk." in text_of(next(t for t in first.trials if t.variant == "careful"))
    server.requests.clear()
    for mode in (AnswersMode.REUSE, AnswersMode.OFFLINE):
        use(session, mode)
        again = measure(session, case, 1, CAREFUL)
        assert [t.answer for t in again.trials] == [t.answer for t in first.trials]
        assert [t.reused for t in again.trials] == [True, True]
        assert server.count == 0


def test_a_step_that_runs_a_whole_agent_is_a_model_step(
    session: ForkSession, recorded: Runs, server: ModelServer, tmp_path: Path
) -> None:
    run = session.replay(recorded("agent")).run
    (step,) = run.steps
    assert (step.kind, step.agent) == (StepKind.MODEL, "filed_by_an_agent")
    assert step.request is not None
    assert step.request.prompt == "You file letters."
    case = Case(name="agent", folder=tmp_path, run=run, step=1, agent="filed_by_an_agent")
    first = recorded_and_kept(session, case, 1, CAREFUL)
    assert [text_of(t) for t in first.trials] == ["To the clerk.", "To the bin."]
    server.requests.clear()
    use(session, AnswersMode.OFFLINE)
    again = measure(session, case, 1, CAREFUL)
    assert [text_of(t) for t in again.trials] == ["To the clerk.", "To the bin."]
    assert server.count == 0
