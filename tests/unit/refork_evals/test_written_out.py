"""What is written out to spare every session the import of scipy.stats is what scipy.stats says."""

import numpy as np
import pytest
from refork_evals.statistics import p_of_at_least, p_of_at_most, wilson_interval
from refork_evals.statistics.draws import binomial
from refork_evals.statistics.strata import hypergeometric
from refork_evals.statistics.stratified import pearson3
from scipy import stats

COUNTS = [(0, 1), (1, 1), (0, 10), (3, 10), (10, 10), (29, 30), (137, 200), (9_999, 10_000)]


@pytest.mark.parametrize(("passes", "trials"), COUNTS)
def test_intervals_and_p_values(passes: int, trials: int) -> None:
    found = wilson_interval(passes, trials)
    wanted = stats.binomtest(passes, trials).proportion_ci(confidence_level=0.95, method="wilson")
    assert found is not None
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=1e-12)
    for rate in (0.01, 0.5, 0.7, 0.999):
        least = stats.binomtest(passes, trials, rate, alternative="greater").pvalue
        most = stats.binomtest(passes, trials, rate, alternative="less").pvalue
        assert p_of_at_least(passes, trials, rate) == pytest.approx(least, rel=1e-9)
        assert p_of_at_most(passes, trials, rate) == pytest.approx(most, rel=1e-9)


def test_binomial_chances() -> None:
    rates = np.array([0.0, 0.02, 0.5, 0.97, 1.0])[:, None]
    for trials in (1, 30, 2_000):
        passes = np.arange(trials + 1)[None, :]
        wanted = stats.binom.pmf(passes, trials, rates)
        assert binomial(passes, trials, rates) == pytest.approx(wanted, rel=1e-9, abs=1e-300)


def test_hypergeometric_chances() -> None:
    values = np.arange(5, 26)
    wanted = stats.hypergeom.pmf(values, 60, 35, 30)
    assert hypergeometric(values, 60, 35, 30) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("skewness", [-2.0, -0.4, -1e-3, 0.0, 1e-3, 0.4, 2.0])
def test_the_skewed_distribution(skewness: float) -> None:
    for value in np.linspace(-6, 6, 49):
        assert pearson3(float(value), skewness) == pytest.approx(
            float(stats.pearson3.cdf(value, skewness)), abs=1e-7
        )
