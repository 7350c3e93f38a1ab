"""Compares two variants of a case that run the same number of trials, with a look after a few of these numbers.

Which of the two is better is asked by a generalized likelihood ratio. Its threshold is no approximation: the chance of
ever crossing it where both have one pass rate is added up over all that can be drawn, at the worst of these rates.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from refork_evals.statistics.draws import RATES, Floats, binomial
from refork_evals.statistics.sequential import Bounds, likelihood

START: Final = 10
"""The rounds before the first look, if as many are allowed. All cases have these, so all can be compared by them.
"""
_FACTORS: Final = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
_MOST: Final = 120
"""The rounds after which two variants are compared no further, because the exact sum takes too long."""
_HALVINGS: Final = 14
_HIGHEST: Final = 30.0


def looks_of(bounds: Bounds) -> tuple[int, ...]:
    """Return the rounds after which two variants are compared: 10, 15, 20, 30, 40 and 60 if 5 to 60 trials are
    allowed.
    """
    highest = min(bounds.highest, max(_MOST, bounds.lowest))
    start = min(highest, max(bounds.lowest, START))
    before = [round(start * factor) for factor in _FACTORS]
    return (*(look for look in before if look < highest), highest)


@dataclass(frozen=True, kw_only=True)
class PairRule:
    """The rule that says which of two variants is better, at any of the looks: the threshold of the likelihood
    ratio.
    """

    looks: tuple[int, ...]
    threshold: float

    def better(self, passes: int, other: int, rounds: int) -> bool:
        """Return whether ``passes`` of so many rounds are shown to be better than ``other`` of them."""
        if rounds not in self.looks or passes <= other:
            return False
        return bool(_ratios(rounds)[other, passes] >= self.threshold)

    @property
    def can_be_better(self) -> bool:
        return any(self.better(look, 0, look) for look in self.looks)


@lru_cache(maxsize=64)
def pair_rule(looks: tuple[int, ...], alpha: float) -> PairRule:
    """Return the rule that calls one of two equal variants better with a chance of at most ``alpha`` over all
    looks.
    """
    low, high = 0.0, _HIGHEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _crossing(looks, middle) <= alpha:
            high = middle
        else:
            low = middle
    return PairRule(looks=looks, threshold=high)


def _crossing(looks: tuple[int, ...], threshold: float) -> float:
    """Return the chance that one given variant is ever called better, at the worst rate that both have."""
    weight: Floats = np.ones((len(RATES), 1, 1))
    found: Floats = np.zeros(len(RATES))
    for look, kernel in zip(looks, _kernels(looks), strict=True):
        weight = np.swapaxes(kernel, 1, 2) @ weight @ kernel
        ratios = _ratios(look)
        found += np.where(ratios >= threshold, weight, 0.0).sum(axis=(1, 2))
        weight = np.where(np.abs(ratios) >= threshold, 0.0, weight)
    return float(found.max())


@lru_cache(maxsize=8)
def _kernels(looks: tuple[int, ...]) -> tuple[Floats, ...]:
    """Return the probabilities from the passes at one look to those at the next: ``[rate, before, after]``."""
    return tuple(_kernel(before, after) for before, after in _steps(looks))


def _steps(looks: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    return zip((0, *looks), looks, strict=False)


def _kernel(before: int, after: int) -> Floats:
    kernel: Floats = np.zeros((len(RATES), before + 1, after + 1))
    more = np.arange(after - before + 1)
    chances = binomial(more[None, :], after - before, RATES[:, None])
    for passes in range(before + 1):
        kernel[:, passes, passes + more] = chances
    return kernel


@lru_cache(maxsize=256)
def _ratios(rounds: int) -> Floats:
    """Return the logarithm of the likelihood ratio for ``[x, y]`` passes of so many rounds, negative if ``x > y``."""
    x = np.arange(rounds + 1, dtype=float)[:, None]
    y = np.arange(rounds + 1, dtype=float)[None, :]
    apart = likelihood(x, rounds, x / rounds) + likelihood(y, rounds, y / rounds)
    ratio = apart - likelihood(x + y, 2 * rounds, (x + y) / (2 * rounds))
    return np.asarray(np.where(y > x, ratio, -ratio))
