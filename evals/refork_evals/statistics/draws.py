"""Computes all possible results of a baseline and of later trials, with their probabilities: exact sums, no
simulation.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, xlog1py, xlogy

Floats: TypeAlias = npt.NDArray[np.float64]
Region: TypeAlias = npt.NDArray[np.bool_]
"""``region[b, n, x]``: whether to stop at ``x`` passes of ``n`` trials after ``b`` passes of the baseline.

Without a baseline there is one ``b``, 0."""

RATES: Final[Floats] = np.unique(np.concatenate([np.linspace(0.02, 1, 50), np.linspace(0.9, 1, 11)]))
"""The pass rates at which chances are added up. The chances are smooth in the rate."""


@dataclass(frozen=True, eq=False)
class Look:
    """The probability ``weight[rate, b, x]`` of coming to a look after so many trials without having stopped."""

    trials: int
    weight: Floats

    def stop(self, region: Region) -> Floats:
        """The probability of stopping here, for each ``[rate, b, x]``, which goes no further."""
        stopped = np.where(region[None, :, self.trials, :], self.weight, 0.0)
        self.weight[...] -= stopped
        return stopped


def looks(lowest: int, highest: int, before: Floats, now: Floats, baseline: int) -> Iterator[Look]:
    """Yield every look from ``lowest`` trials on, for pairs of pass rates ``before`` (of the baseline) and ``now``."""
    weight: Floats = np.zeros((len(now), baseline + 1, highest + 1))
    weight[:, :, 0] = binomial(np.arange(baseline + 1)[None, :], baseline, before[:, None])
    rate = now[:, None, None]
    for trials in range(1, highest + 1):
        passed = weight[:, :, :-1] * rate
        weight = weight * (1 - rate)
        weight[:, :, 1:] += passed
        if trials >= lowest:
            yield Look(trials, weight)


def binomial(passes: npt.NDArray[np.int_], trials: int, rate: Floats) -> Floats:
    """Return the probability of so many passes, as scipy.stats does, whose import takes a second."""
    ways = gammaln(trials + 1) - gammaln(passes + 1) - gammaln(trials - passes + 1)
    chances = np.exp(ways + xlogy(passes, rate) + xlog1py(trials - passes, -rate))
    return np.asarray(chances, dtype=np.float64)


def chance(
    region: Region, lowest: int, before: Floats, now: Floats, *, other: Region | None = None
) -> Floats:
    """Return the chance of ever stopping in a region, at each pair of pass rates, unless ``other`` stopped first."""
    highest, baseline = region.shape[1] - 1, region.shape[0] - 1
    found = np.zeros(len(now))
    for look in looks(lowest, highest, before, now, baseline):
        found += look.stop(region).sum(axis=(1, 2))
        if other is not None:
            look.stop(other)
    return found


def largest_region(
    ratio: Floats, side: Region, alpha: float, crossing: Callable[[Region], float], lowest: int
) -> Region:
    """Return the largest region of ``side`` with ``ratio`` above a threshold, whose ``crossing`` is at most
    ``alpha``.
    """
    low, high = 0.0, 40.0
    guess = -float(np.log(alpha))
    for threshold in (guess + 2.0, guess - 1.0):
        if crossing(side & (ratio >= threshold)) <= alpha:
            high = min(high, threshold)
        else:
            low = max(low, threshold)
    while high - low > _PRECISION:
        middle = (low + high) / 2
        if crossing(side & (ratio >= middle)) <= alpha:
            high = middle
        else:
            low = middle
    region = side & (ratio >= high)
    region[:, :lowest] = False
    return region


_PRECISION: Final = 0.01
"""The precision of a threshold, in units of the logarithm of a likelihood ratio."""


def null_moments(stop: Region, lowest: int) -> tuple[Floats, Floats, Floats]:
    """Return mean, variance and third central moment of :func:`lag` if nothing changed, at each of ``RATES``.

    ``stop`` says where a case stops; what has not stopped ends at the last look.
    """
    highest, baseline = stop.shape[1] - 1, stop.shape[0] - 1
    b = np.arange(baseline + 1, dtype=float)[:, None]
    x = np.arange(highest + 1, dtype=float)[None, :]
    raw = np.zeros((3, len(RATES)))
    for look in looks(lowest, highest, RATES, RATES, baseline):
        ended = look.weight if look.trials == highest else look.stop(stop)
        gap = lag(b, baseline, x, look.trials)
        for power in (1, 2, 3):
            raw[power - 1] += (ended * gap**power).sum(axis=(1, 2))
    mean, square, cube = raw
    return mean, np.maximum(square - mean**2, 0.0), cube - 3 * mean * square + 2 * mean**3


def lag(b: Floats, baseline: int, x: Floats, trials: int) -> Floats:
    """Return how far ``x`` passes of the trials are below ``b`` passes of the baseline, with Cochran's weights."""
    return (baseline * x - trials * b) / (baseline + trials)
