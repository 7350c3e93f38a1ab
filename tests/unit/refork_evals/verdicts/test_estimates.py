"""pass@k, pass^k, scorers' own rates, and means of what scorers measure."""

import itertools
import math
import random
import statistics

import pytest
from refork.records.outcome import Trial
from refork_evals.results import Cell, Score, ScoredTrial, Verdict
from refork_evals.results.estimates import Mean
from refork_evals.verdicts.estimates import all_of_k, any_of_k, at_k, mean, scorer_rates
from scipy.stats import ttest_1samp


def cell(passes: int, failures: int, errors: int = 0) -> Cell:
    return Cell(
        case="x",
        variant="current",
        verdict=Verdict.PASS,
        min_pass_rate=0.8,
        passes=passes,
        failures=failures,
        errors=errors,
    )


def scored(*scores: Score) -> ScoredTrial:
    return ScoredTrial(trial=Trial(variant="current", number=1), scores=scores)


def said(scorer: str, passed: bool | None, value: float | None = None) -> Score:
    return Score(scorer=scorer, passed=passed, value=value, error="broke" if passed is None else None)


@pytest.mark.parametrize(("passes", "trials"), [(0, 5), (2, 5), (5, 5), (3, 7)])
@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_they_are_what_counting_every_choice_of_k_trials_gives(passes: int, trials: int, k: int) -> None:
    choices = list(itertools.combinations([True] * passes + [False] * (trials - passes), k))
    assert any_of_k(passes, trials, k) == pytest.approx(statistics.mean(map(any, choices)))
    assert all_of_k(passes, trials, k) == pytest.approx(statistics.mean(map(all, choices)))


@pytest.mark.parametrize(("k", "rate"), [(3, 0.7), (5, 0.4)])
def test_they_have_no_bias(k: int, rate: float) -> None:
    n = 8
    chances = [math.comb(n, c) * rate**c * (1 - rate) ** (n - c) for c in range(n + 1)]
    expected_any = sum(chance * any_of_k(c, n, k) for c, chance in enumerate(chances))
    expected_all = sum(chance * all_of_k(c, n, k) for c, chance in enumerate(chances))
    assert expected_any == pytest.approx(1 - (1 - rate) ** k)
    assert expected_all == pytest.approx(rate**k)


def test_k_stays_below_the_number_of_measured_trials() -> None:
    assert [each.k for each in at_k(cell(4, 6))] == [1, 3, 5]
    assert [each.k for each in at_k(cell(20, 10))] == [1, 3, 5, 10]
    assert [each.k for each in at_k(cell(1, 0))] == [1]
    assert [each.k for each in at_k(cell(2, 1, errors=9))] == [1]
    assert at_k(cell(0, 0, errors=3)) == ()


def test_at_one_both_are_the_pass_rate() -> None:
    (one, *_) = at_k(cell(4, 6))
    assert one.pass_at_k == pytest.approx(0.4)
    assert one.pass_hat_k == 0.4


def test_every_scorer_has_its_own_rate_in_the_order_of_the_expectations() -> None:
    trials = [
        scored(said("contains", True), said("regex", False), said("contains", None)),
        scored(said("contains", True), said("regex", True), said("contains", False)),
        scored(),
    ]
    rates = scorer_rates(trials)
    assert [(rate.place, rate.scorer) for rate in rates] == [(0, "contains"), (1, "regex"), (2, "contains")]
    assert [(rate.passes, rate.failures, rate.errors) for rate in rates] == [(2, 0, 0), (1, 1, 0), (0, 1, 1)]
    assert rates[0].interval is not None
    assert rates[0].interval.low == pytest.approx(0.342, abs=0.001)
    assert all(rate.mean is None for rate in rates)


def test_a_scorer_that_only_broke_has_no_interval() -> None:
    (rate,) = scorer_rates([scored(said("judge", None))])
    assert (rate.measured, rate.errors, rate.interval) == (0, 1, None)


def test_a_number_has_its_mean_and_the_interval_of_scipys_bca() -> None:
    values = [0.2, 0.4, 0.5, 0.55, 0.6, 0.9, 0.95] * 3 + [5.0]
    (rate,) = scorer_rates([scored(said("own", True, value)) for value in values])
    assert rate.mean is not None
    assert rate.mean.value == pytest.approx(statistics.mean(values))
    assert (rate.mean.count, rate.mean.method, rate.mean.note) == (22, "BCa", "")
    assert rate.mean.low is not None
    assert rate.mean.high is not None
    normal = 1.96 * statistics.stdev(values) / math.sqrt(22)
    # BCa follows the outlier on the right, which an interval of the normal distribution does not.
    assert rate.mean.high > rate.mean.value + normal
    assert rate.mean.low > rate.mean.value - normal


def test_few_numbers_have_students_interval() -> None:
    values = [0.2, 0.4, 0.5, 0.55, 3.0]
    found, student = mean(values), ttest_1samp(values, 0).confidence_interval()
    assert found is not None
    assert (found.method, found.note) == ("Student", "")
    assert found.low == pytest.approx(student.low)
    assert found.high == pytest.approx(student.high)


def test_the_same_numbers_give_the_same_interval() -> None:
    values = [random.Random(4).gauss(0, 1) for _ in range(24)]
    assert mean(values) == mean(values)


def test_the_interval_holds_the_true_mean_about_as_often_as_it_says() -> None:
    draw = random.Random(7)
    hits = 0
    for _ in range(200):
        found = mean([draw.gauss(5, 2) for _ in range(20)])
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 5 <= found.high
    assert 175 <= hits <= 199


def test_where_there_is_no_interval_it_says_why() -> None:
    assert mean([0.5]) == Mean(count=1, value=0.5, note="one value has no interval")
    same = mean([0.1] * 3)
    assert same is not None
    assert (same.value, same.low, same.method) == (0.1, None, None)
    assert same.note == "all values are the same, so they have no interval"
    assert mean([]) is None
    assert mean([math.inf, math.nan]) is None


def test_what_is_not_finite_is_left_out_and_said() -> None:
    found = mean([1.0, 2.0, 3.0, math.inf])
    assert found is not None
    assert (found.count, found.value) == (3, 2.0)
    assert found.note == "1 of 4 values are not finite and left out"


def test_numbers_too_large_to_be_resampled_are_no_crash() -> None:
    found = mean([1e308, -1e308, 1e308, 1e308])
    assert found is not None
    assert found.note != ""
