"""Tests whether a whole suite dropped although no single case shows it: one test, stratified by case."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import gammainc, gammaincc, ndtr

from refork_evals.statistics.draws import RATES, Floats


@dataclass(frozen=True, eq=False)
class Stratum:
    """A case: its baseline, its trials, and the moments of their difference if nothing changed.

    ``moments`` are those of :func:`refork_evals.statistics.draws.null_moments` under the rule by which the trials
    of this very case stopped: where one stops on what one sees, the plain ones would be wrong.
    """

    baseline_passes: int
    baseline_trials: int
    passes: int
    trials: int
    moments: tuple[Floats, Floats, Floats]


def p_of_drop(strata: Sequence[Stratum]) -> float:
    """Return the probability of at least so large a drop over all cases, if none dropped.

    The sum of Cochran's differences (Biometrics 10, 1954), each with the moments that it has at the case's own
    pooled pass rate, under a Pearson III distribution, which has their skewness too: near a pass rate of 1 a normal
    one would cry wolf twice as often as it says. 1.0 where nothing could vary.
    """
    difference, mean, variance, third = 0.0, 0.0, 0.0, 0.0
    for each in strata:
        if not each.trials:
            continue
        total = each.baseline_trials + each.trials
        pooled = (each.baseline_passes + each.passes) / total
        weighted = each.baseline_trials * each.passes - each.trials * each.baseline_passes
        difference += weighted / total
        mean, variance, third = (
            so_far + float(np.interp(pooled, RATES, moment))
            for so_far, moment in zip((mean, variance, third), each.moments, strict=True)
        )
    if variance <= 0:
        return 1.0
    return pearson3((difference - mean) / variance**0.5, third / variance**1.5)


def pearson3(value: float, skewness: float) -> float:
    """Return the distribution function of Pearson's type III with mean 0 and variance 1: a shifted gamma's.

    As scipy.stats has it, whose import takes a second.
    """
    if abs(skewness) < _STRAIGHT:
        return float(ndtr(value))
    beta = 2 / skewness
    beyond = max(0.0, beta * (value + beta))
    return float(gammainc(beta**2, beyond) if skewness > 0 else gammaincc(beta**2, beyond))


_STRAIGHT: Final = 1e-6
"""The skewness below which the distribution is treated as normal."""
