"""Estimates from the trials of a cell: pass@k, pass^k, every scorer's pass rate, means of numbers."""

import math
import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, Literal

from refork_evals.results import Cell, Score, ScoredTrial
from refork_evals.results.estimates import AtK, IntervalOfMean, Mean, ScorerRate
from refork_evals.statistics import CONFIDENCE, wilson_interval

KS: Final = (1, 3, 5, 10)
FEW: Final = 20
"""The number of values below which resampling finds too narrow an interval: of 5 it holds the mean in 75 to 86%,
Student's in 83 to 95%, of 10 in 82 to 93% and 84 to 94%; from 20 on they are about alike.
"""
RESAMPLES: Final = 4999
SEED: Final = 20_240_601
"""The seed of resampling, so that every report of the same numbers has the same interval."""

_IntervalOfMean = tuple[float | None, float | None, IntervalOfMean | None, str]
"""Both ends of the interval, the method and the note."""
_NO_INTERVAL: Final[_IntervalOfMean] = (None, None, None, "the values are too large for an interval")


def any_of_k(passes: int, trials: int, k: int) -> float:
    """Return pass@k without bias, from ``passes`` of ``trials``: 1 - C(n-c, k) / C(n, k).

    Chen et al., "Evaluating Large Language Models Trained on Code", 2021. ``1 <= k <= trials``.
    """
    return 1.0 - math.comb(trials - passes, k) / math.comb(trials, k)


def all_of_k(passes: int, trials: int, k: int) -> float:
    """Return pass^k without bias, from ``passes`` of ``trials``: C(c, k) / C(n, k).

    Yao et al., "tau-bench", 2024. ``1 <= k <= trials``.
    """
    return math.comb(passes, k) / math.comb(trials, k)


def at_k(cell: Cell, ks: Iterable[int] = KS) -> tuple[AtK, ...]:
    """Return pass@k and pass^k of the measured trials, for 1 and for every k below their number.

    At k = n the two say only whether any and whether all of these very trials passed, so it is left out.
    """
    trials = cell.measured
    return tuple(
        AtK(k=k, pass_at_k=any_of_k(cell.passes, trials, k), pass_hat_k=all_of_k(cell.passes, trials, k))
        for k in ks
        if k < trials or k == 1 == trials
    )


def scorer_rates(trials: Iterable[ScoredTrial]) -> tuple[ScorerRate, ...]:
    """Return each scorer's own rate, in the order of the expectations, over the trials that have an answer."""
    by_place: dict[int, list[Score]] = {}
    for scored in trials:
        for place, score in enumerate(scored.scores):
            by_place.setdefault(place, []).append(score)
    return tuple(_rate(place, scores) for place, scores in sorted(by_place.items()))


def _rate(place: int, scores: Sequence[Score]) -> ScorerRate:
    said = [score.passed for score in scores]
    passes, failures = said.count(True), said.count(False)
    return ScorerRate(
        scorer=scores[0].scorer,
        place=place,
        passes=passes,
        failures=failures,
        errors=said.count(None),
        interval=wilson_interval(passes, passes + failures),
        mean=mean([score.value for score in scores if score.value is not None]),
    )


def mean(values: Sequence[float]) -> Mean | None:
    """Return the mean with its interval; None without a finite value."""
    finite = [float(value) for value in values if math.isfinite(value)]
    if not finite:
        return None
    left_out = len(values) - len(finite)
    low, high, method, note = _interval(tuple(finite))
    notes = [note, f"{left_out} of {len(values)} values are not finite and left out" if left_out else ""]
    return Mean(
        count=len(finite),
        value=min(max(math.fsum(value / len(finite) for value in finite), min(finite)), max(finite)),
        low=low,
        high=high,
        method=method,
        note="; ".join(filter(None, notes)),
    )


@lru_cache(maxsize=4096)
def _interval(values: tuple[float, ...]) -> _IntervalOfMean:
    """Return both ends, the method, and a note on it. Cached, because the page and results.json need the same."""
    if len(values) == 1:
        return None, None, None, "one value has no interval"
    if min(values) == max(values):
        return None, None, None, "all values are the same, so they have no interval"
    if len(values) < FEW:
        return _finite(_student(values), "Student") or _NO_INTERVAL
    return (
        _finite(_bootstrap(values, "BCa"), "BCa")
        or _finite(
            _bootstrap(values, "percentile"),
            "percentile",
            "percentile interval: BCa finds none in these values",
        )
        or _NO_INTERVAL
    )


def _finite(ends: tuple[float, float], method: IntervalOfMean, note: str = "") -> _IntervalOfMean | None:
    low, high = ends
    return (low, high, method, note) if math.isfinite(low) and math.isfinite(high) else None


def _student(values: Sequence[float]) -> tuple[float, float]:
    import numpy as np  # noqa: PLC0415 - only a case that measures a number pays for it
    from scipy.special import stdtrit  # noqa: PLC0415

    with np.errstate(all="ignore"):
        known = np.asarray(values)
        half = stdtrit(len(known) - 1, (1 + CONFIDENCE) / 2) * known.std(ddof=1) / math.sqrt(len(known))
        return float(known.mean() - half), float(known.mean() + half)


def _bootstrap(values: Sequence[float], method: Literal["BCa", "percentile"]) -> tuple[float, float]:
    import numpy as np  # noqa: PLC0415
    from scipy.stats import bootstrap  # noqa: PLC0415

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SciPy's own way to say that there is none: the ends are NaN too
        found = bootstrap(
            (np.asarray(values),),
            np.mean,
            method=method,
            confidence_level=CONFIDENCE,
            n_resamples=RESAMPLES,
            rng=np.random.default_rng(SEED),
        ).confidence_interval
    return float(found.low), float(found.high)
