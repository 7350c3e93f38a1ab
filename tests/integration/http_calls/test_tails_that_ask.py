"""Tails of workflows whose plain steps ask a model: tried, kept and reused by request, and nothing else acts."""

from pathlib import Path

from integration.http_calls.conftest import Runs
from refork.answer_cache import AnswersMode
from refork.fork import ForkSession
from refork.records import Case, StepKind
from support.forks import CAREFUL, measure, text_of
from support.kept import recorded as recorded_and_kept
from support.kept import use
from support.model_server import Failure, ModelServer

SYSTEM = "You sort letters."


def case_of(session: ForkSession, recorded: Runs, folder: Path) -> Case:
    run = session.replay(recorded("filed")).run
    return Case(name="tail", folder=folder, run=run, step=1, agent="openai_step", scope="tail")


def test_it_goes_on_to_its_end_with_the_candidate_at_its_own_step_alone(
    session: ForkSession, recorded: Runs, server: ModelServer, tmp_path: Path, desk: Path
) -> None:
    (desk / "ledger").unlink(missing_ok=True)
    case = case_of(session, recorded, tmp_path)
    server.requests.clear()
    (trial,) = measure(session, case, 1).trials
    assert text_of(trial) == "To the bin. / To the bin."
    assert [step.kind for step in trial.trajectory] == [StepKind.MODEL, StepKind.OTHER, StepKind.MODEL]
    assert [step.agent for step in trial.trajectory] == ["openai_step", None, "httpx_step"]
    assert trial.usage is not None
    assert (trial.usage.calls, trial.usage.input_tokens, server.count) == (2, 200, 2)
    server.requests.clear()
    outcome = measure(session, case, {"careful": 1}, CAREFUL)
    assert [r.instructions for r in server.requests] == [f"Careful! {SYSTEM}"]
    (trial,) = outcome.trials
    assert trial.error is not None  # what it files now was not filed then
    assert trial.error.type == "ToolDeniedError"
    assert outcome.requests["careful"].prompt == f"Careful! {SYSTEM}"
    assert not (desk / "ledger").exists()


def test_a_second_session_pays_nothing(
    session: ForkSession, recorded: Runs, server: ModelServer, tmp_path: Path
) -> None:
    case = case_of(session, recorded, tmp_path)
    first = recorded_and_kept(session, case, 2)
    assert [{k.kind for k in trial.cached_steps} for trial in first.trials] == [{"http"}] * 2
    server.requests.clear()
    for mode in (AnswersMode.REUSE, AnswersMode.OFFLINE):
        use(session, mode)
        again = measure(session, case, 2)
        assert [trial.reused for trial in again.trials] == [True, True]
        assert [t.answer for t in again.trials] == [t.answer for t in first.trials]
        assert [t.usage for t in again.trials] == [t.usage for t in first.trials]
        assert server.count == 0


def test_offline_a_request_without_an_answer_ends_the_trial(
    session: ForkSession, recorded: Runs, server: ModelServer, tmp_path: Path
) -> None:
    case = case_of(session, recorded, tmp_path)
    recorded_and_kept(session, case, 1)
    use(session, AnswersMode.OFFLINE)
    server.requests.clear()
    errors = [trial.error for trial in measure(session, case, 2).trials]
    assert errors[0] is None
    assert errors[1] is not None
    assert errors[1].type == "AnswerMissingError"
    assert server.count == 0


def test_a_failed_model_call_is_retried_and_does_not_count_as_a_failure_of_the_code(
    session: ForkSession, recorded: Runs, server: ModelServer, tmp_path: Path
) -> None:
    case = case_of(session, recorded, tmp_path)
    server.requests.clear()
    server.fail_next(Failure(503), times=2)
    (trial,) = measure(session, case, 1).trials
    assert (trial.error, server.count) == (None, 4)
    server.fail_next(Failure(400, "too long"), times=1)
    (trial,) = measure(session, case, 1).trials
    assert trial.error is not None
    assert (trial.error.type, trial.error.own) == ("ModelCallError", False)
    assert "400: too long" in trial.error.message
    assert server.count == 5


def test_denied_steps_of_a_case_or_the_project_do_not_run(
    session: ForkSession, recorded: Runs, server: ModelServer, tmp_path: Path
) -> None:
    run = session.replay(recorded("filed")).run
    denied = {"httpx_step": "deny"}
    case = Case(
        name="tail", folder=tmp_path, run=run, step=1, agent="openai_step", scope="tail", tools=denied
    )
    server.requests.clear()
    (trial,) = measure(session, case, 1).trials
    assert trial.error is not None
    assert (trial.error.type, server.count) == ("ToolDeniedError", 1)
    assert "step 3, 'httpx_step', calls a model and is denied" in trial.error.message
