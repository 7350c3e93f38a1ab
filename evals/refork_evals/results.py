"""What an evaluation found, from one score up to the whole suite. Frozen values; who decides is elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from refork.case import Case, Request
from refork.outcome import Outcome, Trial
from refork.usage import Savings, Usage


class Verdict(StrEnum):
    """What the trials of a case under a variant say."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    STALE = "stale"


@dataclass(frozen=True, kw_only=True)
class Score:
    """What one scorer said of one trial. ``passed`` is None where the scorer raised: then ``error`` is set.

    ``reason`` is one line that quotes the evidence. ``value`` is the number of scorers that measure one.
    """

    scorer: str
    passed: bool | None
    reason: str = ""
    value: float | None = None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class ScoredTrial:
    """A trial with its scores. ``passed`` is None where it could not be measured."""

    trial: Trial
    scores: tuple[Score, ...] = ()
    passed: bool | None = None
    cost_usd: Decimal | None = None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it did not pass, a line for each scorer that did not, or the error of the trial."""
        if self.trial.error is not None:
            return (f"{self.trial.error.type}: {self.trial.error.message}",)
        return tuple(
            f"{score.scorer}: {score.error or score.reason}"
            for score in self.scores
            if score.passed is not True
        )


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A confidence interval of a pass rate, both ends between 0 and 1."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A case under a variant. ``passes + failures + errors == len(trials)``.

    ``missing`` trials were planned and did not run.
    ``interval`` is None where nothing was measured. ``reason`` says what stands behind a verdict that is
    not a plain pass or fail: the stale step, the first error, the trials that are missing.
    """

    case: str
    variant: str
    verdict: Verdict
    min_pass_rate: float
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
    savings: Savings | None = None
    reason: str = ""

    @property
    def measured(self) -> int:
        return self.passes + self.failures

    @property
    def pass_rate(self) -> float | None:
        return self.passes / self.measured if self.measured else None


@dataclass(frozen=True, kw_only=True)
class CaseResult:
    """All that was found of one case. ``recorded`` is production's answer, scored and not run.

    ``not_red`` is true where the recorded failure meets the case's own expectations (never for a guard).
    """

    case: Case
    recorded: ScoredTrial | None
    cells: tuple[Cell, ...]
    outcome: Outcome | None = None
    not_red: bool = False
    winners: tuple[str, ...] = ()

    def cell(self, variant: str) -> Cell | None:
        return next((cell for cell in self.cells if cell.variant == variant), None)


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """One session: every case that was selected, in collection order."""

    cases: tuple[CaseResult, ...]
    started_at: datetime
    seconds: float = 0.0
    alpha: float = 0.05
    refork_version: str = ""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def cells(self) -> tuple[Cell, ...]:
        return tuple(cell for result in self.cases for cell in result.cells)

    @property
    def savings(self) -> Savings | None:
        known = [cell.savings for cell in self.cells if cell.savings is not None]
        return sum(known[1:], known[0]) if known else None
