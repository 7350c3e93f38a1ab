"""Pass rates beside one another."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from refork_evals.results.verdict import Verdict

Share = Annotated[float, Field(ge=0, le=1)]
Difference = Annotated[float, Field(ge=-1, le=1)]
"""Of two shares, the second less the first."""


class Change(StrEnum):
    """What a comparison of pass rates says."""

    IMPROVED = "improved"
    REGRESSED = "regressed"
    TRADE_OFF = "trade-off"
    UNCHANGED = "unchanged"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A confidence interval of a share, such as a pass rate."""

    low: Share
    high: Share


@dataclass(frozen=True, kw_only=True)
class DifferenceInterval:
    """A confidence interval of a difference of two pass rates."""

    low: Difference
    high: Difference


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A case's pass rate beside the one of its baseline.

    ``difference`` is now less before, between -1 and 1, with its 95% interval. ``alpha`` is how often "regressed"
    comes up where nothing dropped; ``margin`` the drop that "unchanged" rules out.
    """

    change: Change
    passes_before: int
    trials_before: int
    difference: Difference | None = None
    interval: DifferenceInterval | None = None
    alpha: float = 0.05
    margin: float = 0.45


@dataclass(frozen=True, kw_only=True)
class Clustered:
    """What holds for cases like these: the mean difference over cases, its 95% interval, and a p-value."""

    difference: Difference
    interval: DifferenceInterval | None
    p_value: float


@dataclass(frozen=True, kw_only=True)
class Means:
    """Of one trial, the mean over cases: of the variant, and of what it is compared with."""

    variant: float
    against: float

    @property
    def ratio(self) -> float | None:
        return self.variant / self.against if self.against else None


@dataclass(frozen=True, kw_only=True)
class Flip:
    """A case whose verdict is another one."""

    case: str
    before: Verdict
    now: Verdict


@dataclass(frozen=True, kw_only=True)
class VariantComparison:
    """A variant beside ``against``, on ``cases`` that both were measured on.

    ``difference`` is the variant's pass rate less the other's, for these cases, with its 95% interval; ``p_value``
    is corrected over the variants that were compared. ``better`` and ``worse`` are cases that differ significantly
    on their own. ``like_these`` is what holds for cases like these, from six cases on. ``could_find`` is the
    difference that so many trials find in 8 of 10 times, ``margin`` the one that "unchanged" rules out.
    """

    variant: str
    against: str
    cases: int
    change: Change
    difference: Difference
    interval: DifferenceInterval
    p_value: float
    could_find: float
    margin: Share = 0.2
    better: tuple[str, ...] = ()
    worse: tuple[str, ...] = ()
    flips: tuple[Flip, ...] = ()
    like_these: Clustered | None = None
    tokens: Means | None = None
    cost_usd: Means | None = None
    seconds: Means | None = None
