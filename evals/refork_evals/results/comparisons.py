"""Values that compare pass rates."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from refork_evals.results.verdict import Verdict

Share = Annotated[float, Field(ge=0, le=1)]
Difference = Annotated[float, Field(ge=-1, le=1)]
"""The difference of two shares: the second less the first."""


class Change(StrEnum):
    """The conclusion of a comparison of pass rates."""

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
    """A case's pass rate compared with that of its baseline.

    ``difference`` is now minus before, between -1 and 1, with its 95% interval. ``alpha`` is the probability of
    "regressed" if nothing dropped; ``margin`` is the drop that "unchanged" rules out.
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
    """The estimate for cases like these: the mean difference over cases, its 95% interval, and a p-value."""

    difference: Difference
    interval: DifferenceInterval | None
    p_value: float


@dataclass(frozen=True, kw_only=True)
class Means:
    """Means per trial over the cases: for the variant, and for the one that it is compared with."""

    variant: float
    against: float

    @property
    def ratio(self) -> float | None:
        return self.variant / self.against if self.against else None


@dataclass(frozen=True, kw_only=True)
class Flip:
    """A case whose verdict changed to another one of the same kind: ``pass`` or ``fail``, or ``held`` or
    ``dropped``.
    """

    case: str
    before: Verdict
    now: Verdict


@dataclass(frozen=True, kw_only=True)
class VariantComparison:
    """A variant compared with ``against``, on the ``cases`` that both were measured on.

    ``difference`` is the variant's pass rate minus the other's, for these cases, with its 95% interval; ``p_value``
    is corrected over the compared variants. ``better`` and ``worse`` are cases that differ significantly on their
    own; guards come first in ``worse``, and ``worse_guards`` are these alone. ``like_these`` is the estimate for cases
    like these, if there are at least six. ``could_find`` is the difference that this many trials find in 8 of 10
    attempts, ``margin`` the one that "unchanged" rules out.
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
    worse_guards: tuple[str, ...] = ()
    flips: tuple[Flip, ...] = ()
    like_these: Clustered | None = None
    tokens: Means | None = None
    cost_usd: Means | None = None
    seconds: Means | None = None
