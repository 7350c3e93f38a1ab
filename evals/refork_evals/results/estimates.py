"""What the trials of a cell say beside its verdict."""

from dataclasses import dataclass
from typing import Literal

from refork_evals.results.comparisons import Interval, Share

Bootstrap = Literal["BCa", "percentile"]
"""How the resampled means become an interval."""


@dataclass(frozen=True, kw_only=True)
class AtK:
    """Of ``k`` answers: the chance that at least one passes (pass@k), and that all do (pass^k)."""

    k: int
    pass_at_k: Share
    pass_hat_k: Share


@dataclass(frozen=True, kw_only=True)
class Mean:
    """The mean of ``count`` values with its 95% interval.

    ``method`` is ``BCa`` or ``percentile``, None where there is no interval. ``note`` says why it is not BCa,
    and what was left out; empty where there is nothing to say.
    """

    count: int
    value: float
    low: float | None = None
    high: float | None = None
    method: Bootstrap | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class ScorerRate:
    """What one scorer said of a cell's answers. ``place`` is that of its expectation, from 0.

    ``interval`` is Wilson's, of 95%; ``mean`` is None of a scorer that measures no number.
    """

    scorer: str
    place: int
    passes: int
    failures: int
    errors: int
    interval: Interval | None
    mean: Mean | None = None

    @property
    def measured(self) -> int:
        return self.passes + self.failures
