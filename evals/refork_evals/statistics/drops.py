"""Tests whether a pass rate fell below that of a baseline, exactly, with a look after every trial.

A drop is called where what was seen is much likelier with a drop than without one, whatever the rate before: both
likelihoods are means over pass rates (a mixture, as in Robbins, Annals of Mathematical Statistics 41, 1970). That no
drop of the margin is left is called by a generalized likelihood ratio (Lai, Annals of Statistics 16, 1988), with a
threshold for each number of passes of the baseline. No threshold is an approximation: the chance of ever crossing it is
added up over all that can be drawn.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

import numpy as np

from refork_evals.statistics.draws import RATES, Floats, Region, binomial, chance, largest_region
from refork_evals.statistics.sequential import Bounds, StoppingRule, drawn, likelihood

NEAR: Final = 0.9
"""The share of the smallest drop whose likelihood is weighed. Of the shares tried, this one found most drops."""
_LOWEST_BEFORE: Final = 0.3
_NEVER: Final = 1e-3
"""The replacement of a pass rate of 0, under which a single pass would be impossible, and of a chance that is too
small.
"""
_LEVELLINGS: Final = 8
_STEP: Final = 0.7


_Chances: TypeAlias = Callable[[Region], Floats]


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
        """The number of trials of the baseline."""
        return len(self.bad) - 1

    def rule(self, passes: int) -> StoppingRule:
        return StoppingRule(bounds=self.bounds, good=self.good[passes], bad=self.bad[passes])


@lru_cache(maxsize=64)
def drop_rules(
    baseline: int, bounds: Bounds, *, smallest_drop: float, alpha_good: float, alpha_bad: float
) -> DropRules:
    """Return the rules of trials that are compared with a baseline of so many trials.

    Over all draws of both and over every look: where nothing dropped, "bad" has a chance of at most
    ``alpha_bad``; where the rate dropped by ``smallest_drop``, whatever it was, "good" one of at most
    ``alpha_good``.
    """
    bad = _dropped(baseline, bounds, NEAR * smallest_drop, alpha_bad)
    good = _held(baseline, bounds, smallest_drop, alpha_good)
    return DropRules(bounds=bounds, good=good & ~bad, bad=bad)


def _dropped(baseline: int, bounds: Bounds, drop: float, alpha: float) -> Region:
    """Return the region in which a drop is called."""
    n, x, now = drawn(bounds.highest)
    b = np.arange(baseline + 1, dtype=float)[:, None, None]
    before = RATES[max(_LOWEST_BEFORE, drop) <= RATES]
    ratio = _mean_likelihood(baseline, bounds, before, np.maximum(before - drop, _NEVER)) - _mean_likelihood(
        baseline, bounds, RATES, RATES
    )

    def crossing(region: Region) -> float:
        return float(chance(region, bounds.lowest, RATES, RATES).max())

    return largest_region(ratio, (now < b / baseline) & (x <= n), alpha, crossing, bounds.lowest)


def _held(baseline: int, bounds: Bounds, drop: float, alpha: float) -> Region:
    """Return the region in which a drop of the margin is ruled out."""
    n, x, now = drawn(bounds.highest)
    b = np.arange(baseline + 1, dtype=float)[:, None, None]
    before = b / baseline
    free = likelihood(b, baseline, before) + likelihood(x, n, now)
    ratio = free - _most_likely_drop(b, baseline, x, n, drop)
    side = (before - now < drop) & (x <= n)
    rates = RATES[drop <= RATES]

    def chances(region: Region) -> Floats:
        return chance(region, bounds.lowest, rates, rates - drop)

    level = _levelled(ratio, side, alpha, rates, chances)
    return largest_region(ratio - level, side, alpha, lambda r: float(chances(r).max()), bounds.lowest)


def _levelled(ratio: Floats, side: Region, alpha: float, rates: Floats, chances: _Chances) -> Floats:
    """The amount to add to the threshold after each number of passes of the baseline, so that the error rate is about
    ``alpha`` at every pass rate and not only at the worst one: ``[b, 1, 1]``, at least 0."""
    passes = np.arange(len(ratio))[:, None]
    weight = binomial(passes, len(ratio) - 1, rates[None, :])
    weight = weight / np.maximum(weight.sum(axis=1, keepdims=True), _NEVER)
    threshold: Floats = np.full(len(ratio), -np.log(alpha))
    for _ in range(_LEVELLINGS):
        found = chances(side & (ratio >= threshold[:, None, None]))
        excess = np.log(np.maximum(found, _NEVER * alpha) / alpha)
        threshold = np.maximum(threshold + _STEP * (weight * excess).sum(axis=1), 0.0)
    return np.asarray((threshold - threshold.min())[:, None, None])


def _mean_likelihood(baseline: int, bounds: Bounds, before: Floats, now: Floats) -> Floats:
    """Return the logarithm of the mean likelihood over pairs of pass rates, for each ``[b, n, x]``."""
    n, x, _ = drawn(bounds.highest)
    b = np.arange(baseline + 1, dtype=float)[:, None]
    of_baseline = np.exp(likelihood(b, baseline, before[None, :]))
    of_trials = likelihood(x[0, :, :, None], n[0, :, :, None], now[None, None, :])
    largest = of_trials.max(axis=2, keepdims=True)
    mean = np.einsum("bp,nxp->bnx", of_baseline, np.exp(of_trials - largest)) / len(now)
    return np.asarray(np.log(mean) + largest[None, :, :, 0])


def _most_likely_drop(b: Floats, baseline: int, x: Floats, n: Floats, drop: float) -> Floats:
    """Return the highest likelihood if the rate fell by exactly ``drop``, over a grid of rates before."""
    best: Floats = np.full(np.broadcast_shapes(b.shape, x.shape, n.shape), -np.inf)
    for rate in np.linspace(drop, 1, 201):
        both = likelihood(b, baseline, np.full_like(b, rate)) + likelihood(x, n, np.full_like(x, rate - drop))
        np.maximum(best, both, out=best)
    return best
