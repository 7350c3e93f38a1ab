"""Follows what the trials of a session have cost so far, and estimates how long the others take."""

import math
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from refork.records import Case, StepKind
from refork.records.outcome import Trial
from refork.records.usage import Spending

from refork_evals.results.spending import paid_for
from refork_evals.trials import cost_of

_ENOUGH: Final = 3
"""So many answers are waited for before their mean time is used instead of the recorded one."""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Numbers of trials: all ``scheduled``, those ``done``, and those ``running`` (at most the concurrency limit).

    ``paid`` is what the calls of trials, not those of judges, have cost so far in this session. ``seconds_left`` is
    about how long the scheduled trials still take; None if that is unknown, or nothing is left. ``may_grow`` says that
    more trials may be scheduled.
    """

    done: int
    scheduled: int
    running: int
    paid: Spending = field(default_factory=Spending)
    seconds_left: float | None = None
    may_grow: bool = False


class Pace:
    """Sums up trials as they end. Trials end in DBOS's threads; the other methods are called from one thread."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._lock = Lock()
        self._paid = Spending()
        self._answers, self._seconds = 0, 0.0
        self._expected, self._expected_seconds = 0, 0.0

    def expect(self, case: Case, trials: int) -> None:
        """Note that trials of a case are scheduled, which take about as long as in the recorded run."""
        seconds = _recorded_seconds(case)
        if seconds is not None:
            self._expected += trials
            self._expected_seconds += trials * seconds

    def record(self, trial: Trial) -> None:
        """Note that a trial has ended. Only what this session paid for says how long a call takes."""
        spent = paid_for(trial, cost_of(trial))
        if not spent.trials:
            return
        with self._lock:
            self._paid += spent
            self._answers += 1
            self._seconds += trial.seconds

    @property
    def paid(self) -> Spending:
        with self._lock:
            return self._paid

    def seconds_left(self, waiting: int) -> float | None:
        """Return about how long ``waiting`` trials take, so many at once; None if there is nothing to go by."""
        mean = self._mean()
        return math.ceil(waiting / self._concurrency) * mean if waiting and mean is not None else None

    def _mean(self) -> float | None:
        with self._lock:
            answers, seconds = self._answers, self._seconds
        if answers >= _ENOUGH or (answers and not self._expected):
            return seconds / answers
        return self._expected_seconds / self._expected if self._expected else None


def _recorded_seconds(case: Case) -> float | None:
    """Return how long the recorded model calls took that a trial repeats; None if no times are on record."""
    steps = [case.fork_point]
    if case.scope == "tail":
        later = [step for step in case.run.steps if step.number > case.step and step.kind is StepKind.MODEL]
        steps += later
    known = [step.seconds for step in steps if step.seconds is not None]
    return sum(known) if known else None
