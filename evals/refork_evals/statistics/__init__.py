"""Statistics of pass rates: pure numbers, no decisions."""

import math
from collections.abc import Sequence
from functools import lru_cache

from refork.errors import BadInputError
from scipy.special import bdtr, bdtrc, ndtri

from refork_evals.results import Interval

CONFIDENCE = 0.95


@lru_cache(maxsize=4096)
def wilson_interval(passes: int, trials: int, confidence: float = CONFIDENCE) -> Interval | None:
    """Return Wilson's interval of a pass rate; None without trials (Journal of the American Statistical Association
    22, 1927).

    Written out, and tested against scipy.stats, whose import takes a second that every session would pay.
    """
    if trials == 0:
        return None
    z = float(ndtri((1 + confidence) / 2))
    rate, share = passes / trials, z * z / trials
    middle = (rate + share / 2) / (1 + share)
    half = z / (1 + share) * math.sqrt(rate * (1 - rate) / trials + share / (4 * trials))
    return Interval(low=middle - half if passes else 0.0, high=middle + half if passes < trials else 1.0)


def p_of_at_least(passes: int, trials: int, rate: float) -> float:
    """Return the probability of at least so many passes if each trial passes with ``rate``.

    Small: the pass rate is higher than ``rate``. 1.0 without trials.
    """
    return float(bdtrc(passes - 1, trials, rate)) if trials and passes > 0 else 1.0


def p_of_at_most(passes: int, trials: int, rate: float) -> float:
    """Return the probability of at most so many passes if each trial passes with ``rate``.

    Small: the pass rate is lower than ``rate``. 1.0 without trials.
    """
    return float(bdtr(passes, trials, rate)) if passes < trials else 1.0


def lowest_rate(trials: int, alpha: float) -> float:
    """Return the lowest pass rate at which ``trials`` passes of ``trials`` are not rarer than ``alpha``."""
    return float(alpha ** (1 / trials)) if trials else 0.0


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return Holm's step-down adjustment: rejecting those at most alpha keeps the chance of any false one at alpha.

    It needs no independence. SciPy has none: its ``false_discovery_control`` is Benjamini and Hochberg's,
    which bounds the share of false rejections and not the chance of one.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return tuple(adjusted)


def trials_needed(min_pass_rate: float, alpha: float, cases: int) -> int:
    """Return the smallest number of trials with which a cell can pass and can fail.

    To pass, all its trials passing must support ``min_pass_rate`` at ``alpha`` (at 1.0 one suffices: see
    :func:`refork_evals.verdicts.decision.decide`). To fail, all its trials failing must refute it, even where it is
    the only one of ``cases`` to fail. Raises BadInputError for a rate outside (0, 1].
    """
    check_rate(min_pass_rate)
    by_passing = 1 if min_pass_rate == 1 else _smallest(alpha, min_pass_rate)
    by_failing = 1 if min_pass_rate == 1 else _smallest(alpha / max(1, cases), 1 - min_pass_rate)
    return max(by_passing, by_failing)


def _smallest(level: float, rate: float) -> int:
    """Return the smallest n with ``rate ** n <= level``."""
    near = max(1, math.floor(math.log(level) / math.log(rate)) - 1)
    return next(n for n in range(near, near + 4) if p_of_at_least(n, n, rate) <= level)


def check_rate(min_pass_rate: float) -> None:
    if not 0 < min_pass_rate <= 1:
        raise BadInputError(
            f"min_pass_rate {min_pass_rate!r} must be above 0 and at most 1: at 0 nothing could fail"
        )
