"""Measuring live, and keeping what was answered."""

import dataclasses
from collections.abc import Mapping

from refork.answer_cache import AnswersMode, CachedAnswer, Store
from refork.fork import ForkSession
from refork.records import Case
from refork.records.outcome import Outcome
from refork.records.variant import Variant

from support.forks import measure


def use(session: ForkSession, mode: AnswersMode) -> Store:
    store = Store(mode)
    session._host.limits = dataclasses.replace(session._host.limits, answers=store)
    return store


def kept_of(outcome: Outcome) -> list[CachedAnswer]:
    return [
        CachedAnswer(
            digest=trial.cached_as.digest,
            trial=trial.cached_as.trial,
            answered_at=trial.answered_at,
            answer=trial.answer,
            usage=trial.usage,
            model=trial.model,
        )
        for trial in outcome.trials
        if trial.cached_as is not None and trial.answered_at is not None
    ] + [kept for trial in outcome.trials for kept in trial.cached_steps]


def recorded(
    session: ForkSession, case: Case, trials: Mapping[str, int] | int, *variants: Variant
) -> Outcome:
    """Measure live, and keep what was answered."""
    store = use(session, AnswersMode.REUSE)
    outcome = measure(session, case, trials, *variants)
    store.keep(case.folder, kept_of(outcome))
    return outcome
