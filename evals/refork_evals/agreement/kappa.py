"""How far a judge agrees with a person: Cohen's kappa, and what the judge lets pass and fails wrongly."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from refork_evals.results.agreement import Agreement, Kappa
from refork_evals.statistics import CONFIDENCE, wilson_interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RESAMPLES: Final = 9999
SEED: Final = 20_240_602


@dataclass(frozen=True, kw_only=True)
class LabelledOutput:
    """An output that both judged: whether the person says that it passes, and whether the judge does."""

    person: bool
    judge: bool


def agreement(pairs: Iterable[LabelledOutput]) -> Agreement:
    counts = Counter((pair.person, pair.judge) for pair in pairs)
    both_pass, false_fails = counts[True, True], counts[True, False]
    false_passes, both_fail = counts[False, True], counts[False, False]
    return Agreement(
        both_pass=both_pass,
        both_fail=both_fail,
        false_passes=false_passes,
        false_fails=false_fails,
        kappa=cohens_kappa(both_pass, false_fails, false_passes, both_fail),
        false_pass_interval=wilson_interval(false_passes, false_passes + both_fail),
        false_fail_interval=wilson_interval(false_fails, false_fails + both_pass),
    )


def cohens_kappa(both_pass: int, false_fails: int, false_passes: int, both_fail: int) -> Kappa:
    """Cohen, "A Coefficient of Agreement for Nominal Scales", 1960, with a bootstrap interval (BCa).

    The large-sample standard error of Fleiss, Cohen and Everitt (1969) is not used: in simulated sessions of 20 to 100
    outputs its interval of 95% held the true kappa in as few as 88%, this one in 95% or more.
    """
    total = both_pass + false_fails + false_passes + both_fail
    if total == 0:
        return Kappa(value=None, note="no output is labelled and judged")
    if both_pass + false_fails in (0, total):
        said = "pass" if both_pass + false_fails else "fail"
        return Kappa(value=None, note=f"every label says {said}: kappa needs outputs of both kinds")
    if both_pass + false_passes in (0, total):
        said = "passes" if both_pass + false_passes else "fails"
        return Kappa(value=0.0, note=f"the judge {said} every output, whatever it says")
    if false_fails + false_passes == 0:
        return Kappa(
            value=1.0, note=f"no disagreement in {total} outputs, so there is no interval to resample"
        )
    return _resampled(both_pass, false_fails, false_passes, both_fail)


def _resampled(both_pass: int, false_fails: int, false_passes: int, both_fail: int) -> Kappa:
    import numpy as np  # noqa: PLC0415 - only a report with labels pays for it

    counts = np.array([both_pass, false_fails, false_passes, both_fail], dtype=float)
    value = float(_kappa(counts))
    drawn = np.random.default_rng(SEED).multinomial(int(counts.sum()), counts / counts.sum(), size=RESAMPLES)
    found = _kappa(drawn.astype(float))
    # A resample in which both say one thing only has no kappa.
    low, high = _bca(value, found[~np.isnan(found)], counts)
    return Kappa(value=value, low=low, high=high)


def _kappa(counts: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Of tables ``[both pass, false fail, false pass, both fail]`` along the last axis; NaN where undefined."""
    import numpy as np  # noqa: PLC0415

    both, lost, let_by, neither = np.moveaxis(counts / counts.sum(axis=-1, keepdims=True), -1, 0)
    observed = both + neither
    chance = (both + lost) * (both + let_by) + (neither + let_by) * (neither + lost)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(chance < 1, (observed - chance) / (1 - chance), np.nan))


def _bca(
    value: float, resampled: "NDArray[np.float64]", counts: "NDArray[np.float64]"
) -> tuple[float, float]:
    """Both ends, corrected for bias and skew: Efron, "Better Bootstrap Confidence Intervals", 1987."""
    import numpy as np  # noqa: PLC0415
    from scipy.stats import norm  # noqa: PLC0415

    below = float(np.mean(resampled < value) + np.mean(resampled <= value)) / 2
    least = 1 / (2 * len(resampled))
    bias = float(norm.ppf(min(max(below, least), 1 - least)))
    skew = _acceleration(counts)
    ends: list[float] = []
    for tail in ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2):
        shifted = bias + float(norm.ppf(tail))
        at = float(norm.cdf(bias + shifted / (1 - skew * shifted)))
        ends.append(float(np.quantile(resampled, at)))
    return ends[0], ends[1]


def _acceleration(counts: "NDArray[np.float64]") -> float:
    """From kappa with each output left out in turn; outputs of one kind give the same."""
    import numpy as np  # noqa: PLC0415

    kinds = np.flatnonzero(counts)
    without = _kappa(counts - np.eye(4)[kinds])
    known = ~np.isnan(without)
    weights, values = counts[kinds][known], without[known]
    away = np.average(values, weights=weights) - values
    spread = 6 * math.pow(float(np.sum(weights * away**2)), 1.5)
    return float(np.sum(weights * away**3)) / spread if spread else 0.0
