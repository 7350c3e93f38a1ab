"""Estimates from the trials of a cell, in addition to its verdict."""

from dataclasses import dataclass
from typing import Literal

from refork_evals.results.comparisons import Interval, Share

IntervalOfMean = Literal["Student", "BCa", "percentile"]
"""The method that turns values into an interval of their mean: Student's distribution, or resampling."""


@dataclass(frozen=True, kw_only=True)
class AtK:
    """The chances with ``k`` answers that at least one passes (pass@k), and that all do (pass^k)."""

    k: int
    pass_at_k: Share
    pass_hat_k: Share


@dataclass(frozen=True, kw_only=True)
class Mean:
    """The mean of ``count`` values with its 95% interval.

    ``method`` is ``Student`` for few values, else ``BCa`` or ``percentile``; None if there is no interval. ``note``
    says why it is ``percentile`` or None, and what was left out; it is empty if there is nothing to say.
    """

    count: int
    value: float
    low: float | None = None
    high: float | None = None
    method: IntervalOfMean | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class ScorerRate:
    """One scorer's results for a cell's answers.

    ``place`` is the index of its expectation, from 0. ``interval`` is Wilson's 95% interval; ``mean`` is None for a
    scorer that measures no number.
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
