"""Compares two pass rates over several cases, each case only with itself."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, ndtri

from refork_evals.results.comparisons import Clustered, DifferenceInterval
from refork_evals.statistics import wilson_interval
from refork_evals.statistics.draws import Floats

CLUSTERS: Final = 6
"""The number of cases from which a claim about cases like these is possible: with four, no sign flip goes below
1/16.
"""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One case: ``passes`` of ``trials`` now, ``passes_before`` of ``trials_before`` in the baseline, all measured."""

    passes: int
    trials: int
    passes_before: int
    trials_before: int

    @property
    def difference(self) -> float:
        return self.passes / self.trials - self.passes_before / self.trials_before

    @property
    def weight(self) -> float:
        """Cochran's weight, as Mantel and Haenszel use it."""
        return self.trials * self.trials_before / (self.trials + self.trials_before)


def difference(pairs: Sequence[Pair]) -> float:
    """Return the weighted mean of the cases' differences (Mantel and Haenszel's)."""
    return sum(weight * pair.difference for pair, weight in _weighted(pairs))


def mean_difference(pairs: Sequence[Pair]) -> float:
    """Return the mean of the cases' differences, in which each case counts the same."""
    return sum(pair.difference for pair in pairs) / len(pairs)


def mean_interval(pairs: Sequence[Pair]) -> DifferenceInterval:
    """Return the 95% interval of :func:`mean_difference`, for cases whose trials did not stop on what they showed.

    Agresti and Caffo's (American Statistician 54, 2000), over cases: a success and a failure are added to each side,
    spread over all cases, and the variances are the unbiased ones. It is that of 96.5%: of all intervals that were
    simulated (docs/verdicts.md), this one holds the true mean in 94% of sessions or more, from 1 case to 300.
    """
    middle, error = _mean_and_error(pairs)
    half = _COVERING * error
    return DifferenceInterval(low=max(-1.0, middle - half), high=min(1.0, middle + half))


def largest_mean_drop(pairs: Sequence[Pair]) -> float:
    """The mean drop over the cases that is ruled out with 95% confidence, at least 0: the other side of
    :func:`mean_interval`, one-sided.
    """
    middle, error = _mean_and_error(pairs)
    return min(1.0, max(0.0, _ONE_SIDED * error - middle))


def _mean_and_error(pairs: Sequence[Pair]) -> tuple[float, float]:
    """Return Agresti and Caffo's estimate of the mean difference, over cases, and its standard error."""
    added = 1 / len(pairs)
    middle = spread = 0.0
    for pair in pairs:
        for sign, passes, trials in (
            (1, pair.passes, pair.trials),
            (-1, pair.passes_before, pair.trials_before),
        ):
            some, of = passes + added, trials + 2 * added
            middle += sign * some / of
            spread += some * (of - some) / (of * of * max(of - 1, added))
    return middle / len(pairs), math.sqrt(spread) / len(pairs)


_COVERING: Final = float(ndtri((1 + 0.965) / 2))
_ONE_SIDED: Final = float(ndtri(0.95))


def interval(pairs: Sequence[Pair]) -> DifferenceInterval:
    """Return the 95% interval of :func:`difference`, from Wilson's for every rate (Zou and Donner, Statistics in
    Medicine 27, 2008).
    """
    low = high = 0.0
    for pair, weight in _weighted(pairs):
        now = wilson_interval(pair.passes, pair.trials)
        then = wilson_interval(pair.passes_before, pair.trials_before)
        assert now is not None, "a pair has trials"
        assert then is not None, "a pair has trials"
        rate, before = pair.passes / pair.trials, pair.passes_before / pair.trials_before
        low += weight**2 * ((rate - now.low) ** 2 + (then.high - before) ** 2)
        high += weight**2 * ((now.high - rate) ** 2 + (before - then.low) ** 2)
    middle = difference(pairs)
    return DifferenceInterval(low=max(-1.0, middle - math.sqrt(low)), high=min(1.0, middle + math.sqrt(high)))


def p_of_no_difference(pairs: Sequence[Pair]) -> float:
    """Return the exact two-sided p-value of "the rates of every case are the same", stratified by case.

    Given how many trials of a case passed in all, its passes are hypergeometric; their sum over the cases has the
    convolution of these (the exact test that Cochran, Mantel and Haenszel's approximates). Twice the smaller tail.
    """
    total, chances = 0, np.ones(1)
    for pair in pairs:
        passed = pair.passes + pair.passes_before
        drawn = pair.trials + pair.trials_before
        lowest = max(0, passed - pair.trials_before)
        values = np.arange(lowest, min(pair.trials, passed) + 1)
        chances = np.convolve(chances, hypergeometric(values, drawn, passed, pair.trials))
        total += pair.passes - lowest
    below, above = chances[: total + 1].sum(), chances[total:].sum()
    return float(min(1.0, 2 * min(below, above)))


def hypergeometric(values: npt.NDArray[np.int_], drawn: int, passed: int, trials: int) -> Floats:
    """Return the probability that so many of ``trials`` passed, if ``passed`` of ``drawn`` did, as scipy.stats
    does.
    """

    def ways(of: int, some: npt.NDArray[np.int_]) -> Floats:
        return np.asarray(gammaln(of + 1) - gammaln(some + 1) - gammaln(of - some + 1), dtype=np.float64)

    all_ways = ways(drawn, np.array([trials]))
    return np.asarray(np.exp(ways(passed, values) + ways(drawn - passed, trials - values) - all_ways))


def detectable(pairs: Sequence[Pair], alpha: float, power: float = 0.8) -> float:
    """Return the difference that so many trials find so often, at the rates that they have: a normal approximation."""
    spread = 0.0
    for pair, weight in _weighted(pairs):
        # One pass and one failure more: a rate of 1 would else have no variance at all.
        rate = (pair.passes + pair.passes_before + 1) / (pair.trials + pair.trials_before + 2)
        spread += weight**2 * rate * (1 - rate) * (1 / pair.trials + 1 / pair.trials_before)
    return min(1.0, float(ndtri(1 - alpha / 2) + ndtri(power)) * math.sqrt(spread))


def clustered(pairs: Sequence[Pair]) -> Clustered | None:
    """Return the estimate for cases like these, with each case as one observation; None for fewer than six.

    The p-value comes from flipping signs, the interval from Student's distribution.
    """
    if len(pairs) < CLUSTERS:
        return None
    from scipy.stats import permutation_test, ttest_1samp  # noqa: PLC0415 - takes a second to import

    differences = np.array([pair.difference for pair in pairs])
    if not differences.any():
        return Clustered(difference=0.0, interval=None, p_value=1.0)
    flipped = permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=9_999, rng=np.random.default_rng(0)
    )
    found = None
    if np.ptp(differences) > 0:
        student = ttest_1samp(differences, 0).confidence_interval()
        found = DifferenceInterval(low=max(-1.0, float(student.low)), high=min(1.0, float(student.high)))
    return Clustered(
        difference=float(differences.mean()), interval=found, p_value=float(min(1.0, flipped.pvalue))
    )


def _weighted(pairs: Sequence[Pair]) -> list[tuple[Pair, float]]:
    total = sum(pair.weight for pair in pairs)
    return [(pair, pair.weight / total) for pair in pairs]
