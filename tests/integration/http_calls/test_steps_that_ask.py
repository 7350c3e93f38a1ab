"""Plain steps that ask a model through a client, and return what they like: seen, tried, kept and reused."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest
from integration.http_calls.conftest import Runs
from refork.answer_cache import AnswersMode
from refork.fork import ForkSession
from refork.records import Case, StepKind
from refork.records.outcome import ForkStatus, Outcome, Trial
from refork.records.variant import Variant
from refork.tool_policy import Action, Rule
from support.forks import CAREFUL, measure
from support.kept import recorded as recorded_and_kept
from support.kept import use
from support.model_server import Failure, ModelServer
from support.sampled import sampled

SYSTEM = "You sort letters."
CLIENTS = (
    "openai",
    "openai_async",
    "responses",
    "anthropic",
    "requests",
    "httpx",
    "aiohttp",
    "urllib",
    "parsed",
    "streamed",
    "loop",
    "threads",
    "own_loop",
    "task_group",
    "inline",
    "inline_async",
    "lambda",
)
CALLS = {"loop": 3, "threads": 3, "task_group": 3}


def case_of(session: ForkSession, recorded: Runs, how: str, folder: Path, **more: object) -> Case:
    run = session.replay(recorded(how)).run
    agent = run.steps[0].agent or f"{how}_step"
    values = {"name": how, "folder": folder, "run": run, "step": 1, "agent": agent}
    return Case(**{**values, **more})  # type: ignore[arg-type]


def of(outcome: Outcome, variant: str) -> Sequence[Trial]:
    assert (outcome.status, outcome.reason) == (ForkStatus.MEASURED, "")
    return outcome.trials_of(variant)


@pytest.mark.parametrize("how", CLIENTS)
def test_a_replay_knows_what_the_step_sends_and_sends_nothing(
    session: ForkSession, recorded: Runs, server: ModelServer, how: str
) -> None:
    replay = session.replay(recorded(how))
    step = replay.run.steps[0]
    assert (replay.problem, replay.unseen) == (None, {})
    assert (step.kind, step.agent, step.model) == (StepKind.MODEL, f"{how}_step", "small-model")
    assert step.request is not None
    assert step.request.prompt == SYSTEM
    assert "Where does it go?" in str(step.request.input)
    assert step.answer is not None
    assert server.count == 0


@pytest.mark.parametrize("how", sampled(CLIENTS, quick=["openai", "anthropic", "aiohttp"]))
def test_a_candidate_is_tried_and_a_second_session_pays_nothing(
    session: ForkSession, recorded: Runs, server: ModelServer, tmp_path: Path, how: str
) -> None:
    case = case_of(session, recorded, how, tmp_path)
    server.requests.clear()
    first = recorded_and_kept(session, case, 2, CAREFUL)
    calls = CALLS.get(how, 1)
    assert server.count == 4 * calls, first
    assert {r.instructions for r in server.requests} == {SYSTEM, f"Careful! {SYSTEM}"}
    assert first.requests["careful"].prompt == f"Careful! {SYSTEM}"
    for trial in of(first, "current"):
        assert trial.error is None
        assert trial.answer == case.run.steps[0].answer
        assert (trial.usage is None) == (how == "streamed")
        if trial.usage is not None:
            assert (trial.usage.calls, trial.usage.input_tokens) == (calls, 100 * calls)
    careful = of(first, "careful")[0].answer
    assert careful is not None
    assert "true" in careful.text if how == "parsed" else "To the clerk." in careful.text

    for mode in (AnswersMode.REUSE, AnswersMode.OFFLINE):
        use(session, mode)
        again = measure(session, case, 2, CAREFUL)
        assert server.count == 4 * calls
        assert [trial.reused for trial in again.trials] == [True] * 4
        assert [t.answer for t in again.trials] == [t.answer for t in first.trials]
        assert [t.usage for t in again.trials] == [t.usage for t in first.trials]


@pytest.mark.parametrize(
    "how", sampled(["openai", "openai_async", "threads", "task_group"], quick=["openai"])
)
def test_offline_says_which_request_has_no_answer(
    session: ForkSession, recorded: Runs, server: ModelServer, tmp_path: Path, how: str
) -> None:
    case = case_of(session, recorded, how, tmp_path)
    recorded_and_kept(session, case, 1)
    use(session, AnswersMode.OFFLINE)
    server.requests.clear()
    outcome = measure(session, case, {"current": 2, "careful": 1}, CAREFUL)
    errors = {(t.variant, t.number): t.error for t in outcome.trials}
    assert errors["current", 1] is None
    second, other = errors["current", 2], errors["careful", 1]
    assert second is not None
    assert other is not None
    assert {second.type, other.type} == {"AnswerMissingError"}
    assert "the cache has only 1 for it" in second.message
    assert "have changed" in other.message
    assert server.count == 0


def test_a_candidates_model_and_settings_are_sent(
    session: ForkSession, recorded: Runs, server: ModelServer, tmp_path: Path
) -> None:
    case = case_of(session, recorded, "httpx", tmp_path)
    other = Variant(name="other", model="large-model", settings={"temperature": 0.25})
    server.requests.clear()
    outcome = measure(session, case, {"other": 1}, other)
    assert [(r.model, r.body["temperature"], r.instructions) for r in server.requests] == [
        ("large-model", 0.25, SYSTEM)
    ]
    assert outcome.requests["other"].model == "large-model"


def test_a_candidate_is_tried_wherever_the_steps_own_prompt_is_sent(
    session: ForkSession, recorded: Runs, server: ModelServer, tmp_path: Path
) -> None:
    case = case_of(session, recorded, "two_voices", tmp_path)
    server.requests.clear()
    outcome = measure(session, case, {"careful": 1}, CAREFUL)
    assert of(outcome, "careful")[0].error is None
    careful = f"Careful! {SYSTEM}"
    assert [r.instructions for r in server.requests] == [careful, "You check.", careful]


def test_a_candidate_becomes_the_missing_system_message(
    session: ForkSession, recorded: Runs, server: ModelServer, tmp_path: Path
) -> None:
    case = case_of(session, recorded, "bare", tmp_path)
    assert case.fork_point.request is not None
    assert case.fork_point.request.prompt is None
    server.requests.clear()
    measure(session, case, {"careful": 1}, CAREFUL)
    assert [[m["role"] for m in r.items] for r in server.requests] == [["system", "user"]]
    assert server.requests[0].instructions == "Careful! "


@pytest.mark.parametrize(
    "how", sampled(["openai", "openai_async", "requests", "aiohttp", "urllib"], quick=["openai_async"])
)
def test_the_sessions_attempts_are_made_and_not_the_clients(
    session: ForkSession, recorded: Runs, server: ModelServer, tmp_path: Path, how: str
) -> None:
    case = case_of(session, recorded, how, tmp_path)
    server.requests.clear()
    server.fail_next(Failure(503), times=2)
    (trial,) = of(measure(session, case, 1), "current")
    assert trial.error is None
    assert server.count == 3
    server.fail_next(Failure(503), times=3)
    (trial,) = of(measure(session, case, 1), "current")
    assert trial.error is not None
    assert (trial.error.type, trial.error.own) == ("ModelCallError", False)
    assert "503: scripted failure" in trial.error.message
    assert server.count == 6


@pytest.mark.parametrize("how", ["openai", "anthropic"])
def test_without_a_key_kept_answers_are_reused_and_nothing_is_sent_with_ours(
    session: ForkSession, recorded: Runs, server: ModelServer, tmp_path: Path, how: str
) -> None:
    case = case_of(session, recorded, how, tmp_path)
    recorded_and_kept(session, case, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OPENAI_API_KEY")
        patch.delenv("DESK_KEY")
        _check_without_a_key(session, case, server)


def _check_without_a_key(session: ForkSession, case: Case, server: ModelServer) -> None:
    replayed = session.replay(case.run).run.steps[0].request
    assert replayed is not None
    assert replayed.prompt == SYSTEM
    server.requests.clear()
    (trial,) = of(measure(session, case, 1), "current")
    assert (trial.error, trial.reused, server.count) == (None, True, 0)
    if case.name == "openai":
        use(session, AnswersMode.LIVE)
        (trial,) = of(measure(session, case, 1), "current")
        assert trial.error is not None
        assert "set OPENAI_API_KEY" in trial.error.message
        assert server.count == 0


def test_a_request_that_cannot_change_is_sent_once(
    session: ForkSession, recorded: Runs, server: ModelServer, tmp_path: Path
) -> None:
    case = case_of(session, recorded, "openai", tmp_path)
    server.requests.clear()
    server.fail_next(Failure(401, "no such key"), times=1)
    (trial,) = of(measure(session, case, 1), "current")
    assert trial.error is not None
    assert "401: no such key" in trial.error.message
    assert server.count == 1


def test_retry_after_is_kept(
    session: ForkSession, recorded: Runs, server: ModelServer, tmp_path: Path
) -> None:
    case = case_of(session, recorded, "openai", tmp_path)
    server.requests.clear()
    server.fail_next(Failure(429, headers={"Retry-After": "0.3"}), times=1)
    outcome = measure(session, case, 1)
    assert of(outcome, "current")[0].error is None
    assert outcome.seconds > 0.3


@pytest.mark.slow
def test_a_dropped_connection_is_tried_again(
    session: ForkSession, recorded: Runs, server: ModelServer, tmp_path: Path
) -> None:
    for how in ("openai", "requests", "urllib", "aiohttp", "httpx"):
        case = case_of(session, recorded, how, tmp_path)
        server.fail_next(Failure(drop=True), times=1)
        (trial,) = of(measure(session, case, 1), "current")
        assert trial.error is None, how


def test_an_answer_that_the_code_cannot_read_is_a_failure_and_is_kept(
    session: ForkSession, recorded: Runs, tmp_path: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = case_of(session, recorded, "parsed", tmp_path)
    monkeypatch.setattr(server, "script", "no JSON")
    server.requests.clear()
    (trial,) = of(recorded_and_kept(session, case, 1), "current")
    assert trial.error is not None
    assert (trial.error.type, trial.error.own) == ("ValidationError", True)
    assert trial.usage is not None
    (trial,) = of(measure(session, case, 1), "current")
    assert trial.error is not None
    assert (trial.error.type, trial.reused, server.count) == ("ValidationError", True, 1)


def test_every_other_connection_is_refused_by_name(
    session: ForkSession, recorded: Runs, server: ModelServer, tmp_path: Path
) -> None:
    replay = session.replay(recorded("looking_up"))
    assert replay.unseen["looking_up_step"].startswith("opens GET 127.0.0.1:")
    case = case_of(session, recorded, "looking_up", tmp_path)
    (trial,) = of(measure(session, case, 1), "current")
    assert trial.error is not None
    assert trial.error.type == "ToolDeniedError"
    assert "/v1/stock" in trial.error.message
    assert 'looking_up_step = "live"' in trial.error.message
    assert server.count == 0


def test_a_look_at_what_is_sent_writes_no_file(
    session: ForkSession, recorded: Runs, server: ModelServer, desk: Path
) -> None:
    (desk / "ledger").unlink(missing_ok=True)
    replay = session.replay(recorded("writing"))
    step = replay.run.steps[0]
    assert (step.kind, step.request is not None) == (StepKind.MODEL, True)
    assert replay.unseen["writing_step"].startswith("acts before it asks a model (writes ")
    assert not (desk / "ledger").exists()
    assert server.count == 0


def test_a_step_that_came_to_its_end_without_asking_is_none_of_a_model(
    session: ForkSession, recorded: Runs
) -> None:
    replay = session.replay(recorded("early"))
    assert (replay.run.steps[0].kind, replay.unseen) == (StepKind.OTHER, {})


def test_a_step_that_nothing_shows_to_ask_is_named(session: ForkSession, recorded: Runs) -> None:
    step = session.replay(recorded("unseen")).run.steps[0]
    assert (step.kind, step.agent) == (StepKind.MODEL, "unseen_step")
    assert step.request is not None
    assert step.request.prompt == SYSTEM


def test_a_killed_trials_answers_are_in_its_checkpoint(
    session: ForkSession, recorded: Runs, server: ModelServer, tmp_path: Path
) -> None:
    """Several requests of one step are kept one by one."""
    case = case_of(session, recorded, "loop", tmp_path)
    outcome = recorded_and_kept(session, case, 1)
    kept = of(outcome, "current")[0].cached_steps
    assert [(k.kind, k.occurrence, k.trial) for k in kept] == [("http", 1, 1)] * 3
    assert len({k.digest for k in kept}) == 3
    assert all("authorization" not in str(k.output).lower() for k in kept)


def test_a_live_step_that_asks_becomes_a_model_step_with_candidates(
    session: ForkSession, recorded: Runs, server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = (Rule(pattern="looking_up_step", action=Action.LIVE),)
    monkeypatch.setattr(session._host, "policy", dataclasses.replace(session._host.policy, rules=rules))
    run = recorded("looking_up")
    case = Case(name="live", folder=tmp_path, run=run, step=1, agent="looking_up_step")
    server.requests.clear()
    outcome = recorded_and_kept(session, case, 1, CAREFUL)
    assert {r.instructions for r in server.requests} == {SYSTEM, f"Careful! {SYSTEM}"}
    assert [t.error for t in outcome.trials] == [None, None]
    server.requests.clear()
    again = measure(session, case, 1, CAREFUL)
    assert [t.answer for t in again.trials] == [t.answer for t in outcome.trials]
    assert server.count == 0


def test_a_live_step_that_renders_a_prompt_is_tried_with_candidates(
    session: ForkSession, recorded: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = (Rule(pattern="rendering_step", action=Action.LIVE),)
    monkeypatch.setattr(session._host, "policy", dataclasses.replace(session._host.policy, rules=rules))
    run = session.replay(recorded("rendering")).run
    assert run.steps[0].kind is StepKind.OTHER
    case = Case(name="live", folder=tmp_path, run=run, step=1, agent="desk_rendered")
    outcome = measure(session, case, 1, CAREFUL)
    texts = {trial.variant: trial.answer and trial.answer.text for trial in outcome.trials}
    assert texts == {
        "current": "asked with 'Sort Where does it go?'",
        "careful": "asked with 'Careful! Sort Where does it go?'",
    }
    other = dataclasses.replace(case, agent="another")
    (trial,) = measure(session, other, {"careful": 1}, CAREFUL).trials
    assert trial.error is not None
    assert "prompts that were rendered: 'desk_rendered'" in trial.error.message
