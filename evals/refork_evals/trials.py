"""Scores trials: the answers of a fork, with what the scorers found."""

import asyncio
import dataclasses
import inspect
import threading
from collections.abc import Coroutine, Iterable, Sequence
from decimal import Decimal
from typing import Final, TypeVar

from refork.records import Case, Request
from refork.records.outcome import Outcome, Trial
from refork.records.usage import cost, total_cost

from refork_evals.agreement.judge_answers import judging
from refork_evals.recorded import recorded_trial
from refork_evals.results import Score, ScoredTrial
from refork_evals.scorers.evidence import one_line
from refork_evals.scorers.protocol import Sample, Scorer, run_scorer, score_now

CONCURRENCY: Final = 8
PYTHON_TEST: Final = "test"
"""The scorer name of a test function."""

_Result = TypeVar("_Result")


def score_trials(
    case: Case,
    outcome: Outcome,
    scorers: Sequence[Scorer],
    *,
    variant: str | None = None,
    concurrency: int = CONCURRENCY,
) -> tuple[ScoredTrial, ...]:
    """Return every trial of the outcome, or of one variant, with its scores, in the outcome's order.

    At most ``concurrency`` scorers wait at once. May be called with or without a running event loop.
    """
    trials = outcome.trials if variant is None else outcome.trials_of(variant)
    if not any(inspect.iscoroutinefunction(scorer.score) for scorer in scorers):
        at_once = [_score_at_once(case, outcome, trial, scorers) for trial in trials]
        if all(each is not None for each in at_once):
            return tuple(each for each in at_once if each is not None)
    return run_to_end(_score_all(case, outcome, trials, scorers, concurrency))


def score_recorded(case: Case, scorers: Sequence[Scorer]) -> ScoredTrial | None:
    """Return production's own answer with its scores, in the case's scope; None if there is neither answer nor
    error.
    """
    trial = recorded_trial(case)
    if trial.answer is None and trial.error is None:
        return None
    sample = sample_of(case, trial, case.fork_point.request, trial.seconds or None)
    return run_to_end(_score_one(case, trial, sample, scorers, asyncio.Semaphore(CONCURRENCY)))


def scored_by_test(
    trial: Trial, *, passed: bool | None = None, reason: str = "", error: str | None = None
) -> ScoredTrial:
    """Return a trial that a test function judged: ``passed``, or ``error`` if it could not decide."""
    if trial.error is not None:
        return without_answer(trial)
    known = None if error is not None else passed
    said = None if known is not None else one_line(error or "the test gave no result")
    score = Score(scorer=PYTHON_TEST, passed=known, reason=one_line(reason), error=said)
    return ScoredTrial(trial=trial, scores=(score,), passed=known, cost_usd=cost_of(trial))


def without_answer(trial: Trial) -> ScoredTrial:
    """Return a trial that ended in an error: a failure if the application raised it, otherwise not measured."""
    failed = trial.error is not None and trial.error.own
    return ScoredTrial(trial=trial, passed=False if failed else None, cost_usd=cost_of(trial))


def without_unfinished(scored: ScoredTrial) -> ScoredTrial:
    """Return the trial without its result if its answer was cut off, filtered, refused or empty, and did not pass."""
    return scored if scored.ending is None else dataclasses.replace(scored, passed=None)


def sample_of(case: Case, trial: Trial, request: Request | None, seconds: float | None) -> Sample | None:
    """Return the input of scorers for a trial; None if the trial has no answer."""
    if trial.answer is None:
        return None
    return Sample(
        answer=trial.answer,
        request=request,
        case=case,
        variant=trial.variant,
        trial=trial.number,
        usage=trial.usage,
        seconds=seconds,
        cost_usd=cost_of(trial),
        model=trial.model,
        trajectory=trial.trajectory,
        scope=case.scope,
    )


def cost_of(trial: Trial) -> Decimal | None:
    """Return the cost in US dollars; None if the usage is unknown, or a model has no known price."""
    if trial.usage is None:
        return None
    if not trial.trajectory:
        return cost(trial.usage, trial.model)
    # Agents of one tail may have models of their own, each with its price.
    costs = [cost(step.usage, step.model) for step in trial.trajectory if step.usage is not None]
    return total_cost(costs)


def _score_at_once(
    case: Case, outcome: Outcome, trial: Trial, scorers: Sequence[Scorer]
) -> ScoredTrial | None:
    """Score like :func:`_score_one`, without an event loop. Returns None if a scorer must be awaited."""
    sample = sample_of(case, trial, outcome.requests.get(trial.variant), trial.seconds)
    if sample is None:
        return without_answer(trial)
    scores = [score_now(scorer, sample) for scorer in scorers]
    known = tuple(score for score in scores if score is not None)
    if len(known) < len(scores):
        return None
    return ScoredTrial(trial=trial, scores=known, passed=passed(known), cost_usd=sample.cost_usd)


async def _score_all(
    case: Case, outcome: Outcome, trials: Iterable[Trial], scorers: Sequence[Scorer], concurrency: int
) -> tuple[ScoredTrial, ...]:
    slots = asyncio.Semaphore(max(1, concurrency))
    requests = outcome.requests
    waiting = [
        _score_one(
            case, trial, sample_of(case, trial, requests.get(trial.variant), trial.seconds), scorers, slots
        )
        for trial in trials
    ]
    return tuple(await asyncio.gather(*waiting))


def _draw(trial: Trial) -> int:
    """Return the number that identifies the draw of an answer, however the test counts: 0 for the recorded one."""
    return trial.number if trial.cached_as is None else trial.cached_as.trial


async def _score_one(
    case: Case, trial: Trial, sample: Sample | None, scorers: Sequence[Scorer], slots: asyncio.Semaphore
) -> ScoredTrial:
    if sample is None:
        return without_answer(trial)
    # Tasks see the context that they are made in.
    with judging(case.folder, _draw(trial), None if trial.cached_as is None else trial.cached_as.digest):
        scores = tuple(await asyncio.gather(*(_in_slot(scorer, sample, slots) for scorer in scorers)))
    return ScoredTrial(trial=trial, scores=scores, passed=passed(scores), cost_usd=sample.cost_usd)


async def _in_slot(scorer: Scorer, sample: Sample, slots: asyncio.Semaphore) -> Score:
    async with slots:
        return await run_scorer(scorer, sample)


def passed(scores: Iterable[Score]) -> bool | None:
    """Return whether every scorer passed; None if none failed and one could not decide, or there is none."""
    results = [score.passed for score in scores]
    if False in results:
        return False
    return None if not results or None in results else True


def run_to_end(work: Coroutine[object, object, _Result]) -> _Result:
    """Return the result of ``work`` on a new event loop, in another thread if this one already runs a loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    return _in_thread(work)


def _in_thread(work: Coroutine[object, object, _Result]) -> _Result:
    results: list[_Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(asyncio.run(work))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="refork-scorers")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
