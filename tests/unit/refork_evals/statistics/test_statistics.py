"""The numbers behind verdicts, against hand calculation, exact enumeration and their own invariants."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refork.errors import BadInputError
from refork_evals.statistics import (
    holm,
    lowest_rate,
    p_of_at_least,
    p_of_at_most,
    trials_needed,
    wilson_interval,
)

counts = st.integers(1, 60).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))
rates = st.floats(0.01, 0.99)


def chance(passes: int, trials: int, rate: float) -> float:
    return math.comb(trials, passes) * rate**passes * (1 - rate) ** (trials - passes)


def test_wilsons_interval_is_that_of_the_textbook() -> None:
    found = wilson_interval(8, 10)
    assert found is not None
    assert [found.low, found.high] == pytest.approx([0.4901625, 0.9433178])


def test_there_is_no_interval_of_nothing() -> None:
    assert wilson_interval(0, 0) is None


@given(counts)
def test_the_interval_holds_the_estimate_and_stays_within_zero_and_one(count: tuple[int, int]) -> None:
    passes, trials = count
    found = wilson_interval(passes, trials)
    assert found is not None
    assert 0 <= found.low <= passes / trials + 1e-12
    assert passes / trials - 1e-12 <= found.high <= 1


@given(counts)
def test_more_passes_raise_both_ends_of_the_interval(count: tuple[int, int]) -> None:
    passes, trials = count
    here, above = wilson_interval(passes, trials), wilson_interval(min(trials, passes + 1), trials)
    assert here is not None
    assert above is not None
    assert here.low <= above.low
    assert here.high <= above.high


@given(counts, rates)
def test_p_values_are_the_tails_of_the_binomial_distribution(count: tuple[int, int], rate: float) -> None:
    passes, trials = count
    above = sum(chance(k, trials, rate) for k in range(passes, trials + 1))
    below = sum(chance(k, trials, rate) for k in range(passes + 1))
    assert p_of_at_least(passes, trials, rate) == pytest.approx(above, abs=1e-9)
    assert p_of_at_most(passes, trials, rate) == pytest.approx(below, abs=1e-9)


def test_nothing_measured_says_nothing() -> None:
    assert p_of_at_least(0, 0, 0.8) == p_of_at_most(0, 0, 0.8) == 1.0


@pytest.mark.parametrize("trials", range(1, 31))
@pytest.mark.parametrize("rate", [0.05, 0.5, 0.6, 0.8, 0.95])
def test_either_answer_is_false_at_most_as_often_as_alpha_says(trials: int, rate: float) -> None:
    outcomes = range(trials + 1)
    refuted = sum(chance(k, trials, rate) for k in outcomes if p_of_at_most(k, trials, rate) <= 0.05)
    supported = sum(chance(k, trials, rate) for k in outcomes if p_of_at_least(k, trials, rate) <= 0.05)
    assert refuted <= 0.05
    assert supported <= 0.05


def test_holms_adjustment_is_that_of_his_paper() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([]) == ()
    assert holm([0.5, 0.9]) == (1.0, 1.0)


p_values = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(p_values)
def test_holm_keeps_the_order_and_lies_between_no_correction_and_bonferronis(values: list[float]) -> None:
    adjusted = holm(values)
    for value, found in zip(values, adjusted, strict=True):
        assert value <= found <= min(1.0, len(values) * value)
    in_order = [found for _, found in sorted(zip(values, adjusted, strict=True))]
    assert all(low <= high for low, high in pairwise(in_order))


@pytest.mark.parametrize(("trials", "rate"), [(5, 0.8), (10, 0.6), (14, 0.9)])
@pytest.mark.parametrize("cases", [2, 3])
def test_a_suite_at_its_minimum_has_a_false_failure_at_most_as_often_as_alpha_says(
    trials: int, rate: float, cases: int
) -> None:
    """Every outcome of every case is enumerated, with its probability."""
    tail = {k: p_of_at_most(k, trials, rate) for k in range(trials + 1)}
    outcomes: list[tuple[float, tuple[int, ...]]] = [(1.0, ())]
    for _ in range(cases):
        outcomes = [(p * chance(k, trials, rate), (*ks, k)) for p, ks in outcomes for k in range(trials + 1)]
    false_alarms = sum(p for p, ks in outcomes if min(holm([tail[k] for k in ks])) <= 0.05)
    assert false_alarms <= 0.05


@pytest.mark.parametrize(
    ("rate", "cases", "needed"),
    [
        pytest.param(0.8, 1, 14, id="fourteen-perfect-trials-for-eighty-percent"),
        pytest.param(0.8, 1000, 14, id="passing-is-not-corrected-over-cases"),
        pytest.param(0.6, 1, 6, id="six-for-sixty-percent"),
        pytest.param(0.05, 1, 59, id="a-low-rate-is-dear-to-refute"),
        pytest.param(0.05, 20, 117, id="and-dearer-in-a-suite"),
        pytest.param(1.0, 20, 1, id="one-failure-refutes-a-rate-of-one"),
        pytest.param(0.999, 1, 2995, id="close-to-one"),
    ],
)
def test_the_trials_needed_are_those_that_calculation_gives(rate: float, cases: int, needed: int) -> None:
    assert trials_needed(rate, 0.05, cases) == needed


@given(st.floats(0.02, 0.98), st.integers(1, 50), st.sampled_from([0.01, 0.05, 0.1]))
def test_with_fewer_trials_than_needed_one_verdict_is_out_of_reach(
    rate: float, cases: int, alpha: float
) -> None:
    def reachable(trials: int) -> bool:
        passing = p_of_at_least(trials, trials, rate) <= alpha
        return passing and p_of_at_most(0, trials, rate) <= alpha / cases

    needed = trials_needed(rate, alpha, cases)
    assert reachable(needed)
    assert needed == 1 or not reachable(needed - 1)


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.1, float("nan")])
def test_a_minimum_that_nothing_could_fail_is_refused(rate: float) -> None:
    with pytest.raises(BadInputError, match="must be above 0 and at most 1"):
        trials_needed(rate, 0.05, 1)


def test_the_lowest_rate_is_the_one_under_which_all_passing_is_as_rare_as_alpha() -> None:
    assert lowest_rate(14, 0.05) == pytest.approx(0.8074, abs=1e-4)
    assert lowest_rate(14, 0.05) ** 14 == pytest.approx(0.05)
    assert lowest_rate(0, 0.05) == 0.0
