"""How trials become scored trials."""

import asyncio
import decimal
import json
import threading
from collections.abc import Generator
from dataclasses import replace
from decimal import Decimal

import httpx2
import openai
import pytest
from refork.errors import AnswerMissingError
from refork.records import Ending, RecordedError, Request, Run, Step, StepKind
from refork.records.outcome import ForkStatus, Outcome, Trial
from refork.records.usage import Usage
from refork_evals import Sample, Score, scorer
from refork_evals.results import ScoredTrial
from refork_evals.scorers.registry import forget_scorers, parse_scorer
from refork_evals.scorers.time_limits import TooLongError
from refork_evals.trials import score_recorded, score_trials, scored_by_test, without_unfinished
from support.evals_builders import broken_trial, case, model_step, outcome, trial

FELL = parse_scorer({"contains": "fell"})


@pytest.fixture(autouse=True)
def own_scorers_only() -> Generator[None]:
    yield
    forget_scorers()


def test_a_trial_passes_where_every_scorer_does() -> None:
    scored = score_trials(case(), outcome(current="+-"), [FELL, parse_scorer({"contains": "revenue"})])
    assert [each.passed for each in scored] == [True, False]
    assert scored[1].reasons == ("contains: does not contain 'fell': 'revenue rose'",)


def test_a_trial_that_could_not_be_measured_is_an_error_without_scores() -> None:
    (scored,) = score_trials(case(), outcome(current="!"), [FELL])
    assert (scored.passed, scored.scores) == (None, ())
    assert scored.reasons == ("RateLimitError: 429",)


@pytest.mark.parametrize("error", [RuntimeError("no connection"), ValueError("not JSON")])
def test_a_failure_stays_one_whatever_another_scorer_raises(error: Exception) -> None:
    @scorer("broken")
    def broken(sample: Sample) -> bool:
        raise error

    failing, passing = score_trials(case(), outcome(current="-+"), [FELL, parse_scorer({"broken": None})])
    assert failing.passed is False
    assert failing.reasons[-1].endswith(f"{type(error).__name__}: {error}")
    assert passing.passed is (False if isinstance(error, ValueError) else None)


def test_one_variant_may_be_scored_alone() -> None:
    scored = score_trials(case(), outcome(current="++", careful="-"), [FELL], variant="careful")
    assert [(each.trial.variant, each.passed) for each in scored] == [("careful", False)]


def test_a_scorer_sees_all_that_is_known_of_a_trial() -> None:
    seen: list[Sample] = []

    @scorer("look")
    def look(sample: Sample) -> bool:
        seen.append(sample)
        return True

    score_trials(case(), outcome(careful="+"), [parse_scorer({"look": None})])
    (sample,) = seen
    assert (sample.variant, sample.trial, sample.seconds, sample.model) == ("careful", 0, 1.0, "gpt-4o-mini")
    assert sample.request == Request(prompt="prompt of careful")
    assert sample.usage == Usage(calls=1, input_tokens=100, output_tokens=10)
    assert sample.case == case()
    assert sample.cost_usd == Decimal("0.000021")


def test_async_scorers_wait_side_by_side_but_no_more_than_allowed() -> None:
    waiting: list[int] = []
    most: list[int] = []

    @scorer("slow")
    async def slow(sample: Sample) -> bool:
        waiting.append(sample.trial)
        most.append(len(waiting))
        for _ in range(3):
            await asyncio.sleep(0)
        waiting.remove(sample.trial)
        return True

    score_trials(case(), outcome(current="+" * 12), [parse_scorer({"slow": None})], concurrency=4)
    assert max(most) == 4
    assert len(most) == 12


def test_trials_keep_their_order_whatever_finishes_first() -> None:
    @scorer("slow")
    async def slow(sample: Sample) -> bool:
        for _ in range(10 - sample.trial):
            await asyncio.sleep(0)
        return True

    scored = score_trials(case(), outcome(current="+" * 10), [parse_scorer({"slow": None})])
    assert [each.trial.number for each in scored] == list(range(10))


def test_trials_may_be_scored_where_an_event_loop_runs_already() -> None:
    async def within_a_loop() -> list[bool | None]:
        return [each.passed for each in score_trials(case(), outcome(current="+-"), [FELL])]

    assert asyncio.run(within_a_loop()) == [True, False]
    assert not [thread for thread in threading.enumerate() if thread.name == "refork-scorers"]


def test_an_interrupt_reaches_the_caller_also_through_a_running_loop() -> None:
    @scorer("stop")
    def stop(sample: Sample) -> bool:
        raise KeyboardInterrupt

    async def within_a_loop() -> None:
        score_trials(case(), outcome(current="+"), [parse_scorer({"stop": None})])

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(within_a_loop())


def test_productions_own_answer_is_scored_from_the_recorded_step() -> None:
    recorded = score_recorded(case(), [FELL, parse_scorer({"max_seconds": 4})])
    assert recorded is not None
    assert recorded.passed is False
    assert (recorded.trial.variant, recorded.trial.number, recorded.trial.seconds) == ("recorded", 0, 4.0)
    assert [score.passed for score in recorded.scores] == [False, True]


def forked_at(step: Step) -> Run:
    return Run(id="r", workflow="w", status="ERROR", steps=(model_step(1, tokens=(1, 1)), step))


@pytest.mark.parametrize(("kind", "passed"), [("other", False), ("tool", False), ("model", None)])
def test_a_recorded_step_that_raised_failed_and_one_that_reached_no_model_is_an_error(
    kind: str, passed: bool | None
) -> None:
    error = RecordedError(type="ValueError", message="bad\nSQL")
    step = Step(number=2, name="s", kind=StepKind(kind), error=error)
    recorded = score_recorded(case(run=forked_at(step)), [FELL])
    assert recorded is not None
    assert (recorded.passed, recorded.reasons) == (passed, (r"ValueError: bad\nSQL",))


def test_a_recorded_step_without_an_answer_is_not_scored() -> None:
    assert score_recorded(case(run=forked_at(Step(number=2, name="s"))), [FELL]) is None


@pytest.mark.parametrize(
    ("given", "said", "passed", "score"),
    [
        pytest.param(
            trial(), {"passed": True}, True, Score(scorer="test", passed=True), id="a-test-that-passed"
        ),
        pytest.param(
            trial(),
            {"passed": False, "reason": "assert 'fell'\n in text"},
            False,
            Score(scorer="test", passed=False, reason=r"assert 'fell'\n in text"),
            id="an-assertion",
        ),
        pytest.param(
            trial(),
            {"error": "KeyError: 'x'"},
            None,
            Score(scorer="test", passed=None, error="KeyError: 'x'"),
            id="another-exception",
        ),
        pytest.param(
            trial(),
            {},
            None,
            Score(scorer="test", passed=None, error="the test gave no result"),
            id="neither",
        ),
        pytest.param(broken_trial(), {"passed": True}, None, None, id="a-trial-without-an-answer"),
    ],
)
def test_a_python_test_gives_scored_trials_too(
    given: Trial, said: dict[str, object], passed: bool | None, score: Score | None
) -> None:
    scored = scored_by_test(given, **said)  # type: ignore[arg-type]
    assert scored.passed is passed
    assert scored.scores == (() if score is None else (score,))


def _response(status: int) -> httpx2.Response:
    return httpx2.Response(status, request=httpx2.Request("POST", "http://localhost"))


class _Unspeakable(Exception):  # noqa: N818 - what it is named decides nothing
    def __str__(self) -> str:
        raise SystemExit


RAISED: list[BaseException] = [
    SystemExit(3),
    GeneratorExit(),
    asyncio.CancelledError(),
    BaseExceptionGroup("several", [SystemExit(), ValueError("second")]),
    pytest.fail.Exception("given up"),
    pytest.skip.Exception("not here"),
    StopAsyncIteration(),
    RuntimeError("no connection"),
    Exception("who knows"),
    ConnectionError("no network"),
    TimeoutError("too long"),
    TooLongError("the pattern took too long"),
    FileNotFoundError("expected.json"),
    ModuleNotFoundError("No module named 'lxml'"),
    NameError("name 'jsn' is not defined"),
    RecursionError("maximum recursion depth exceeded"),
    AnswerMissingError("no reply of the judge is cached"),
    openai.APIConnectionError(request=httpx2.Request("POST", "http://localhost")),
    openai.RateLimitError("slow down", response=_response(429), body=None),
    openai.AuthenticationError("wrong key", response=_response(401), body=None),
    openai.BadRequestError("too long", response=_response(400), body=None),
    ExceptionGroup("several", [ValueError("first"), ConnectionError("second")]),
]
UNREADABLE: list[BaseException] = [
    ValueError("bad number"),
    json.JSONDecodeError("no value", "x", 0),
    UnicodeDecodeError("utf-8", b"x", 0, 1, "bad"),
    KeyError("total"),
    IndexError("list index out of range"),
    TypeError("'NoneType' object is not subscriptable"),
    AttributeError("'NoneType' object has no attribute 'group'"),
    ZeroDivisionError("division by zero"),
    decimal.InvalidOperation(),
    AssertionError("no total"),
    SyntaxError("invalid syntax"),
    UnboundLocalError("cannot access local variable 'row'"),
    ExceptionGroup("several", [ValueError("first"), KeyError("second")]),
    _Unspeakable(),
]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("waits", [False, True])
def test_what_no_answer_causes_is_an_error_of_the_trial(error: BaseException, waits: bool) -> None:
    scored = raised_by_a_scorer(error, waits)
    assert [each.passed for each in scored] == [None, None]
    assert all(each.reasons[0].startswith("odd: ") for each in scored)


@pytest.mark.parametrize("error", UNREADABLE, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("waits", [False, True])
def test_an_answer_that_a_scorer_cannot_read_failed(error: BaseException, waits: bool) -> None:
    scored = raised_by_a_scorer(error, waits)
    assert [each.passed for each in scored] == [False, False]
    assert all(each.reasons[0].startswith("odd: could not read the answer: ") for each in scored)


def raised_by_a_scorer(error: BaseException, waits: bool) -> tuple[ScoredTrial, ...]:
    def at_once(sample: Sample) -> bool:
        raise error

    async def awaited(sample: Sample) -> bool:
        await asyncio.sleep(0)
        raise error

    scorer("odd")(awaited if waits else at_once)
    return score_trials(case(), outcome(current="++"), [FELL, parse_scorer({"odd": None})])


def test_a_scorer_that_never_answers_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refork_evals.scorers.protocol.LONGEST_SECONDS", 0.05)

    @scorer("slow")
    async def slow(sample: Sample) -> bool:
        await asyncio.sleep(60)
        return True

    (scored,) = score_trials(case(), outcome(current="+"), [parse_scorer({"slow": None})])
    assert scored.reasons == ("slow: no score within 0.05 s",)


@pytest.mark.parametrize("ending", list(Ending))
def test_an_unfinished_answer_that_did_not_pass_may_count_as_an_error(ending: Ending) -> None:
    cut = trial(1, "ye")
    assert cut.answer is not None
    cut = replace(cut, answer=replace(cut.answer, ending=ending))
    measured = Outcome(case="misleading-summary", status=ForkStatus.MEASURED, trials=(cut, trial(2)))
    first = score_trials(case(), replace(measured, trials=measured.trials[:1]), [FELL])[0]
    assert first.passed is False
    assert first.reasons[0] == f"the answer was {ending.words}"
    counted = without_unfinished(first)
    assert counted.passed is None
    assert counted.reasons == first.reasons
    passing = score_trials(case(), replace(measured, trials=measured.trials[1:2]), [FELL])[0]
    assert without_unfinished(passing) == passing
