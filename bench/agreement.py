"""Simulated labels of one judge: how often the interval of kappa holds the true one."""

from collections import Counter
from itertools import product
from typing import Final

import numpy as np
from refork_evals.agreement.kappa import cohens_kappa

LABELS: Final = (10, 20, 50, 100)
SESSIONS: Final = 3_000
GOOD: Final = (0.5, 0.7, 0.85, 0.95)
"""Of all outputs, how many are good."""
JUDGES: Final = ((0.95, 0.9), (0.9, 0.7), (0.8, 0.8), (0.98, 0.5), (0.6, 0.6), (0.99, 0.99), (0.5, 0.5))
"""How often a judge passes a good output, and how often it fails a bad one."""
ENOUGH: Final = 0.1
"""Kinds of sessions are left out in which kappa is hardly ever defined, such as 10 labels of which 95% pass."""

Chances = tuple[float, float, float, float]
"""Of the four kinds of outputs, as in the table of :func:`cohens_kappa`."""


def worst() -> float:
    """The lowest coverage over all these kinds of sessions."""
    found = [
        coverage(_chances(good, *judge), labels, sessions=SESSIONS, seed=seed)
        for seed, (labels, good, judge) in enumerate(product(LABELS, GOOD, JUDGES))
    ]
    return min(each for each in found if each is not None)


def coverage(chances: Chances, labels: int, *, sessions: int, seed: int) -> float | None:
    """In how many of the sessions that have an interval it holds the true kappa; None where hardly any has one."""
    true = _true_kappa(chances)
    drawn = np.random.default_rng(seed).multinomial(labels, chances, size=sessions)
    known = holding = 0
    for (both_pass, false_fails, false_passes, both_fail), times in Counter(
        map(tuple, drawn.tolist())
    ).items():
        kappa = cohens_kappa(both_pass, false_fails, false_passes, both_fail)
        if kappa.low is not None and kappa.high is not None:
            known += times
            holding += times * (kappa.low - 1e-9 <= true <= kappa.high + 1e-9)
    return holding / known if known >= ENOUGH * sessions else None


def _chances(good: float, passes_good: float, fails_bad: float) -> Chances:
    bad = 1 - good
    return good * passes_good, good * (1 - passes_good), bad * (1 - fails_bad), bad * fails_bad


def _true_kappa(chances: Chances) -> float:
    both_pass, false_fails, false_passes, both_fail = chances
    person, judge = both_pass + false_fails, both_pass + false_passes
    by_chance = person * judge + (1 - person) * (1 - judge)
    return (both_pass + both_fail - by_chance) / (1 - by_chance)
