"""Tests that may be looked at after every trial, and still err no more often than they say.

The statistic is a generalized likelihood ratio: it ends where the data speak against a hypothesis by more than a
threshold (Lai, "Nearly optimal sequential tests of composite hypotheses", Annals of Statistics 16, 1988). The
threshold is no approximation: the chance of ever crossing it, from the first look to the last, is added up over all
that can be drawn, and over all baselines that could have been, at the worst pass rate.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from refork.errors import BadInputError
from scipy.special import xlogy

from refork_evals.statistics.draws import RATES, Floats, Region, chance, largest_region

PERFECT: Final = 10
"""Trials without a failure after which a ``min_pass_rate`` of 1 is let be. No number of them could show it."""


@dataclass(frozen=True)
class Bounds:
    """The first look comes after ``lowest`` trials, the last after ``highest``. Equal: a fixed number, one look."""

    lowest: int
    highest: int

    def __post_init__(self) -> None:
        if not 1 <= self.lowest <= self.highest:
            raise BadInputError(
                f"min_trials must be from 1 to max_trials ({self.highest}), and is {self.lowest}"
            )


@dataclass(frozen=True, eq=False)
class StoppingRule:
    """When to stop: ``good[n, x]`` and ``bad[n, x]`` for ``x`` passes of ``n`` trials, never both."""

    bounds: Bounds
    good: npt.NDArray[np.bool_]
    bad: npt.NDArray[np.bool_]

    def decided(self, passes: int, trials: int, unknown: int = 0) -> bool | None:
        """True for good, False for bad, None where neither is shown.

        ``unknown`` of the trials could not be measured: a decision holds whatever they would have been.
        """
        n = min(trials, self.bounds.highest)
        if self.good[n, min(passes, n)]:
            return True
        return False if self.bad[n, min(passes + unknown, n)] else None

    def missing(self, passes: int, trials: int, unknown: int = 0) -> int:
        """The fewest further trials after which anything can be decided. 0 where it is, or never can be."""
        if self.decided(passes, trials, unknown) is not None:
            return 0
        for more in range(1, self.bounds.highest - trials + 1):
            good = self.good[trials + more, passes : passes + more + 1]
            bad = self.bad[trials + more, passes + unknown : passes + unknown + more + 1]
            if good.any() or bad.any():
                return more
        return 0

    @property
    def can_be_good(self) -> bool:
        return bool(self.good.any())

    @property
    def can_be_bad(self) -> bool:
        return bool(self.bad.any())


@dataclass(frozen=True, eq=False)
class DropRules:
    """The rule for each number of passes in a baseline.

    Bad: the pass rate has dropped. Good: a drop of the margin or more is ruled out.
    """

    bounds: Bounds
    good: Region
    bad: Region

    @property
    def baseline(self) -> int:
        """Trials of the baseline."""
        return len(self.bad) - 1

    def rule(self, passes: int) -> StoppingRule:
        return StoppingRule(bounds=self.bounds, good=self.good[passes], bad=self.bad[passes])


@lru_cache(maxsize=256)
def rate_rule(min_pass_rate: float, bounds: Bounds, *, alpha_good: float, alpha_bad: float) -> StoppingRule:
    """Whether a pass rate is above ``min_pass_rate`` (good) or below it (bad).

    "good" is wrong with a chance of at most ``alpha_good``, "bad" of at most ``alpha_bad``. At 1, a failure is
    bad for certain, and good only describes: nothing failed in ten trials, or in all where fewer are allowed.
    """
    if min_pass_rate == 1:
        return _perfect(bounds)
    n, x, now = _drawn(bounds.highest)
    ratio = _likelihood(x, n, now) - _likelihood(x, n, np.full_like(now, min_pass_rate))
    at = np.array([min_pass_rate])

    def crossing(region: Region) -> float:
        return float(chance(region, bounds.lowest, at, at).max())

    above, below = (now > min_pass_rate) & (x <= n), (now < min_pass_rate) & (x <= n)
    good = largest_region(ratio, above, alpha_good, crossing, bounds.lowest)
    bad = largest_region(ratio, below, alpha_bad, crossing, bounds.lowest)
    return StoppingRule(bounds=bounds, good=good[0], bad=bad[0])


@lru_cache(maxsize=64)
def drop_rules(
    baseline: int, bounds: Bounds, *, smallest_drop: float, alpha_good: float, alpha_bad: float
) -> DropRules:
    """The rules of trials that are compared with a baseline of so many.

    Over all draws of both and over every look: where nothing dropped, "bad" has a chance of at most
    ``alpha_bad``; where the rate dropped by ``smallest_drop``, whatever it was, "good" one of at most
    ``alpha_good``.
    """
    n, x, now = _drawn(bounds.highest)
    b = np.arange(baseline + 1, dtype=float)[:, None, None]
    before = b / baseline
    free = _likelihood(b, baseline, before) + _likelihood(x, n, now)
    pooled = np.clip((b + x) / (baseline + n), 0, 1)
    unchanged = _likelihood(b, baseline, pooled) + _likelihood(x, n, pooled)
    kept = RATES[smallest_drop <= RATES]

    def dropping(region: Region) -> float:
        return float(chance(region, bounds.lowest, RATES, RATES).max())

    def keeping(region: Region) -> float:
        return float(chance(region, bounds.lowest, kept, kept - smallest_drop).max())

    fell = (now < before) & (x <= n)
    bad = largest_region(free - unchanged, fell, alpha_bad, dropping, bounds.lowest)
    held = (before - now < smallest_drop) & (x <= n)
    dropped = _most_likely_drop(b, baseline, x, n, smallest_drop)
    good = largest_region(free - dropped, held, alpha_good, keeping, bounds.lowest)
    return DropRules(bounds=bounds, good=good & ~bad, bad=bad)


def _perfect(bounds: Bounds) -> StoppingRule:
    n, x, _ = _drawn(bounds.highest)
    looked = n >= bounds.lowest
    good = (x == n) & (n >= max(bounds.lowest, min(PERFECT, bounds.highest)))
    return StoppingRule(bounds=bounds, good=good[0], bad=((x < n) & looked)[0])


def _drawn(highest: int) -> tuple[Floats, Floats, Floats]:
    """``n``, ``x`` and ``x / n`` of all numbers of passes, as ``[1, n, x]``."""
    n = np.arange(highest + 1, dtype=float)[None, :, None]
    x = np.arange(highest + 1, dtype=float)[None, None, :]
    return n, x, np.minimum(x / np.maximum(n, 1.0), 1.0)


def _likelihood(passes: Floats, trials: "Floats | int", rate: Floats) -> Floats:
    """The logarithm of the likelihood, which is 0 where there are more passes than trials."""
    failures = np.maximum(trials - passes, 0)
    return np.asarray(xlogy(passes, rate) + xlogy(failures, 1 - rate), dtype=np.float64)


def _most_likely_drop(b: Floats, baseline: int, x: Floats, n: Floats, drop: float) -> Floats:
    """The highest likelihood where the rate fell by ``drop`` exactly, over a grid of rates before."""
    best: Floats = np.full(np.broadcast_shapes(b.shape, x.shape, n.shape), -np.inf)
    for rate in np.linspace(drop, 1, 201):
        both = _likelihood(b, baseline, np.full_like(b, rate)) + _likelihood(
            x, n, np.full_like(x, rate - drop)
        )
        np.maximum(best, both, out=best)
    return best
