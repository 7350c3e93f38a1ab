"""The results of an evaluation, from one score to the whole suite, as frozen values. Other modules decide."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from refork.records import Case, Ending, Request
from refork.records.outcome import ErrorKind, Outcome, Trial
from refork.records.usage import Spending, Usage, WholeReruns

from refork_evals.results.agreement import Calibration
from refork_evals.results.comparisons import (
    Change,
    Comparison,
    DifferenceInterval,
    Interval,
    VariantComparison,
)
from refork_evals.results.gate import Gate, GateCase, GateFinding, SuiteDrop
from refork_evals.results.history import PastCell, PastSession
from refork_evals.results.recommendation import Recommendation
from refork_evals.results.sections import Section
from refork_evals.results.verdict import WORST_FIRST, Verdict

if TYPE_CHECKING:
    from refork_evals.results.totals import Totals

__all__ = [
    "WORST_FIRST",
    "CaseResult",
    "Cell",
    "Change",
    "Comparison",
    "DifferenceInterval",
    "Fingerprint",
    "Gate",
    "GateCase",
    "GateFinding",
    "Interval",
    "Judged",
    "Method",
    "PastCell",
    "PastSession",
    "Recommendation",
    "Score",
    "ScoredTrial",
    "SecondLook",
    "SuiteDrop",
    "SuiteResult",
    "VariantComparison",
    "Verdict",
]


_UNANSWERED = "AnswerMissingError"
"""The beginning of a score's error if a judge's reply is not cached."""


class Method(StrEnum):
    """The way in which the verdict of a cell was decided: with a fixed number of trials, a sequential test, or a
    baseline.
    """

    FIXED = "fixed"
    SEQUENTIAL = "sequential"
    BASELINE = "baseline"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The models of a judge. ``asked`` is the requested model, ``answered`` those that the replies name, sorted.

    An alias such as ``gpt-4o-mini`` is answered by a dated model.
    """

    asked: str
    answered: tuple[str, ...] = ()
    votes_pass: int = 0
    votes_fail: int = 0
    votes_error: int = 0


@dataclass(frozen=True, kw_only=True)
class Score:
    """The result of one scorer for one trial.

    ``passed`` is None if the scorer could not decide, and False if it raised because it could not read the answer;
    ``error`` is set in both cases. ``reason`` is one line that quotes the evidence.
    ``value`` is the measured number, or the share of passing votes for a judge with several votes. ``judged`` is set
    if a judge answered.
    """

    scorer: str
    passed: bool | None
    reason: str = ""
    value: float | None = None
    error: str | None = None
    judged: Judged | None = None


@dataclass(frozen=True, kw_only=True)
class ScoredTrial:
    """A trial with its scores. ``passed`` is None if it could not be measured."""

    trial: Trial
    scores: tuple[Score, ...] = ()
    passed: bool | None = None
    cost_usd: Decimal | None = None

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons why it did not pass: a line for each failed scorer, or the error of the trial."""
        if self.trial.error is not None:
            return (f"{self.trial.error.type}: {self.trial.error.message}",)
        unmet = tuple(
            f"{score.scorer}: {score.error or score.reason}"
            for score in self.scores
            if score.passed is not True
        )
        return unmet if self.ending is None else (f"the answer was {self.ending.words}", *unmet)

    @property
    def is_unanswered(self) -> bool:
        """True if it was not measured only because an answer, or a judge's, is not cached and none may be
        requested.
        """
        if self.passed is not None:
            return False
        if self.trial.error is not None:
            return self.trial.error.kind is ErrorKind.ANSWER_MISSING
        wrong = [score.error for score in self.scores if score.passed is None]
        return bool(wrong) and all(said is not None and said.startswith(_UNANSWERED) for said in wrong)

    @property
    def ending(self) -> Ending | None:
        """The way in which an answer that did not pass ended, if it was cut off, filtered, refused or empty."""
        answer = self.trial.answer
        return None if answer is None or self.passed is True else answer.ending


@dataclass(frozen=True, kw_only=True)
class SecondLook:
    """The new trials with which a drop was to be confirmed, and whether they show it, too."""

    passes: int
    trials: int
    dropped: bool


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A case under a variant, with its trials. ``passes + failures + errors == len(trials)``.

    ``missing`` trials were planned and did not run.
    ``interval`` is None where nothing was measured. ``reason`` says what stands behind a verdict that is
    not a plain pass or fail: the stale step, the first error, the trials that are missing.
    ``comparison`` is there where the case was compared with a baseline; ``cut_short`` says that a budget ended it, so
    that it is not decided. ``fixes`` says that this candidate fixes the case: it passes where ``current`` does not, and
    is shown to be better.
    The verdict rests on the first ``counted`` trials, on all where that is None: more are taken so that candidates can
    be compared. ``rounds`` is how many trials a candidate and ``current`` took side by side until their common rule
    stopped. ``beside`` says whether a candidate is better than ``current`` in this case, or worse; None where the two
    were not compared.
    ``second_look`` is there where a drop beside a baseline was asked for again.
    ``changes`` says in words what the variant changes before the fork point; such a variant fixes nothing, since no
    prompt makes what went before happen.
    ``paid`` and ``reused`` are there where they were read from a file, since the prices of that session are not known
    here.
    """

    case: str
    variant: str
    verdict: Verdict
    min_pass_rate: float
    fixes: bool = False
    passes: int = 0
    failures: int = 0
    errors: int = 0
    missing: int = 0
    interval: Interval | None = None
    p_value: float | None = None
    trials: tuple[ScoredTrial, ...] = ()
    request: Request | None = None
    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal | None = None
    seconds: float = 0.0
    whole_reruns: WholeReruns | None = None
    reason: str = ""
    method: Method = Method.FIXED
    comparison: Comparison | None = None
    cut_short: bool = False
    counted: int | None = None
    rounds: int | None = None
    beside: Change | None = None
    second_look: SecondLook | None = None
    changes: str = ""
    paid: Spending | None = None
    reused: Spending | None = None

    @property
    def measured(self) -> int:
        return self.passes + self.failures

    @property
    def pass_rate(self) -> float | None:
        return self.passes / self.measured if self.measured else None


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """Digests of what a case measures. Two pass rates are comparable only if these are equal.

    ``run`` covers the recorded run and its fork point; ``scorers`` covers the expectations, the code of the project's
    own scorers, and the judge's model.
    """

    run: str
    scorers: str


@dataclass(frozen=True, kw_only=True)
class CaseResult:
    """All results of one case.

    ``recorded`` is production's answer, which is scored and not run. ``not_red`` is true if the recorded failure
    meets the case's own expectations (never for a guard). ``place`` is the pytest argument that runs the case again.
    ``judges`` are there where they were read from a file; otherwise they follow from the labels in the case's folder.
    """

    case: Case
    recorded: ScoredTrial | None
    cells: tuple[Cell, ...]
    outcome: Outcome | None = None
    not_red: bool = False
    fingerprint: Fingerprint | None = None
    place: str = ""
    judges: tuple[Calibration, ...] | None = None

    @property
    def not_green(self) -> bool:
        """True if production's answer fails the expectations of a guard, which then contain a mistake."""
        return self.case.guard and self.recorded is not None and self.recorded.passed is False

    def cell(self, variant: str) -> Cell | None:
        return next((cell for cell in self.cells if cell.variant == variant), None)

    @property
    def winners(self) -> tuple[str, ...]:
        """The candidates that fix the case, in the order of the cells."""
        return tuple(cell.variant for cell in self.cells if cell.fixes)

    @property
    def fixes(self) -> tuple[Cell, ...]:
        """The cells of the candidates that fix the case, the surest first."""
        fixing = [cell for cell in self.cells if cell.fixes]
        return tuple(sorted(fixing, key=lambda cell: -(cell.interval.low if cell.interval else 0.0)))


@dataclass(frozen=True, kw_only=True)
class SuiteResult:
    """One session: every case that was selected, in collection order.

    ``history`` are the sessions on record, the oldest first and this one last; empty if no history is kept.
    ``sections`` and ``totals`` are there once they were made, or read from a file: they depend on what is installed,
    and on the project's prices.
    """

    cases: tuple[CaseResult, ...]
    started_at: datetime
    seconds: float = 0.0
    alpha: float = 0.05
    refork_version: str = ""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    gate: Gate | None = None
    comparisons: tuple[VariantComparison, ...] = ()
    recommendations: tuple[Recommendation, ...] = ()
    history: tuple[PastSession, ...] = ()
    sections: tuple[Section, ...] | None = None
    totals: "Totals | None" = None

    @property
    def cells(self) -> tuple[Cell, ...]:
        return tuple(cell for result in self.cases for cell in result.cells)
