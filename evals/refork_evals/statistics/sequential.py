"""Tests that may look after every trial and still keep their error rate.

The statistic is a generalized likelihood ratio. A test stops when the data contradict a hypothesis by more than a
threshold (Lai, "Nearly optimal sequential tests of composite hypotheses", Annals of Statistics 16, 1988). The
threshold is not approximated: the probability of ever crossing it, from the first look to the last, is added up over
all possible results.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from refork.errors import BadInputError
from scipy.special import xlogy

from refork_evals.statistics.draws import Floats, Region, chance, largest_region

PERFECT: Final = 10
"""Trials without a failure after which a ``min_pass_rate`` of 1 is not tested further, because no number could show
it.
"""


@dataclass(frozen=True)
class Bounds:
    """The bounds of looks: the first after ``lowest`` trials, the last after ``highest``. Equal bounds are a fixed
    number with one look.
    """

    lowest: int
    highest: int

    def __post_init__(self) -> None:
        if not 1 <= self.lowest <= self.highest:
            raise BadInputError(
                f"min_trials must be from 1 to max_trials ({self.highest}), and is {self.lowest}"
            )


@dataclass(frozen=True, eq=False)
class StoppingRule:
    """The stopping rule: ``good[n, x]`` and ``bad[n, x]`` for ``x`` passes of ``n`` trials, never both true."""

    bounds: Bounds
    good: npt.NDArray[np.bool_]
    bad: npt.NDArray[np.bool_]

    def decided(self, passes: int, trials: int, unknown: int = 0) -> bool | None:
        """Return True for good, False for bad, None if neither is shown.

        ``unknown`` of the trials could not be measured: a decision holds whatever they would have been.
        """
        n = min(trials, self.bounds.highest)
        if self.good[n, min(passes, n)]:
            return True
        return False if self.bad[n, min(passes + unknown, n)] else None

    def missing(self, passes: int, trials: int, unknown: int = 0) -> int:
        """Return the fewest further trials after which anything can be decided; 0 if it is decided, or never can
        be.
        """
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


@lru_cache(maxsize=256)
def rate_rule(min_pass_rate: float, bounds: Bounds, *, alpha_good: float, alpha_bad: float) -> StoppingRule:
    """Return the rule that says whether a pass rate is above ``min_pass_rate`` (good) or below it (bad).

    "good" is wrong with a probability of at most ``alpha_good``, "bad" of at most ``alpha_bad``. With
    ``min_pass_rate`` 1, one failure is certainly bad, and good only describes that nothing failed in ten trials, or
    in all trials if fewer are allowed.
    """
    if min_pass_rate == 1:
        return _perfect(bounds)
    n, x, now = drawn(bounds.highest)
    ratio = likelihood(x, n, now) - likelihood(x, n, np.full_like(now, min_pass_rate))
    at = np.array([min_pass_rate])

    def crossing(region: Region) -> float:
        return float(chance(region, bounds.lowest, at, at).max())

    above, below = (now > min_pass_rate) & (x <= n), (now < min_pass_rate) & (x <= n)
    good = largest_region(ratio, above, alpha_good, crossing, bounds.lowest)
    bad = largest_region(ratio, below, alpha_bad, crossing, bounds.lowest)
    return StoppingRule(bounds=bounds, good=good[0], bad=bad[0])


def _perfect(bounds: Bounds) -> StoppingRule:
    n, x, _ = drawn(bounds.highest)
    looked = n >= bounds.lowest
    good = (x == n) & (n >= max(bounds.lowest, min(PERFECT, bounds.highest)))
    return StoppingRule(bounds=bounds, good=good[0], bad=((x < n) & looked)[0])


def drawn(highest: int) -> tuple[Floats, Floats, Floats]:
    """Return ``n``, ``x`` and ``x / n`` of all numbers of passes, as ``[1, n, x]``."""
    n = np.arange(highest + 1, dtype=float)[None, :, None]
    x = np.arange(highest + 1, dtype=float)[None, None, :]
    return n, x, np.minimum(x / np.maximum(n, 1.0), 1.0)


def likelihood(passes: Floats, trials: "Floats | int", rate: Floats) -> Floats:
    """Return the logarithm of the likelihood, which is 0 where there are more passes than trials."""
    failures = np.maximum(trials - passes, 0)
    return np.asarray(xlogy(passes, rate) + xlogy(failures, 1 - rate), dtype=np.float64)
