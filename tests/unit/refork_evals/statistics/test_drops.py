"""A drop below a baseline is called as seldom as it may be, found as often as it can be, ruled out in few trials."""

import numpy as np
import pytest
from refork_evals.statistics.draws import RATES, Floats, chance, looks
from refork_evals.statistics.drops import DropRules, drop_rules
from refork_evals.statistics.sequential import Bounds

BOUNDS = Bounds(5, 60)
FINE = np.linspace(0.005, 0.9999, 300)
USUAL = np.linspace(0.61, 0.99, 20)


def rules(cases: int, baseline: int = 30) -> DropRules:
    """Those of a suite of so many cases, which share four fifths of 0.05."""
    return drop_rules(baseline, BOUNDS, smallest_drop=0.45, alpha_good=0.05, alpha_bad=0.04 / cases)


def found(drops: DropRules, before: float, now: float) -> float:
    return float(chance(drops.bad, BOUNDS.lowest, np.array([before]), np.array([now]), other=drops.good)[0])


def trials_taken(drops: DropRules, rates: Floats) -> float:
    """The mean number of trials where nothing changed, over these pass rates."""
    taken = np.zeros(len(rates))
    for look in looks(BOUNDS.lowest, BOUNDS.highest, rates, rates, drops.baseline):
        ended = look.stop(drops.good | drops.bad).sum(axis=(1, 2))
        left = look.weight.sum(axis=(1, 2)) if look.trials == BOUNDS.highest else 0.0
        taken += look.trials * (ended + left)
    return float(taken.mean())


@pytest.mark.parametrize("cases", [20, 300])
def test_where_nothing_dropped_a_regression_is_called_no_more_often_than_it_may(cases: int) -> None:
    assert chance(rules(cases).bad, BOUNDS.lowest, FINE, FINE).max() <= 0.04 / cases * 1.02


def test_a_drop_as_large_as_the_margin_is_ruled_out_no_more_often_than_alpha() -> None:
    before = FINE[FINE >= 0.45]
    assert chance(rules(20).good, BOUNDS.lowest, before, before - 0.45).max() <= 0.05 * 1.02


def test_a_drop_is_ruled_out_about_as_often_at_a_high_pass_rate_as_at_the_worst_one() -> None:
    before = np.array([0.7, 0.9, 0.95])
    assert chance(rules(20).good, BOUNDS.lowest, before, before - 0.45).min() >= 0.04


@pytest.mark.parametrize(
    ("cases", "baseline", "power"), [(20, 30, 0.93), (100, 30, 0.875), (300, 30, 0.81), (300, 60, 0.945)]
)
def test_a_fall_from_95_to_50_percent_is_found(cases: int, baseline: int, power: float) -> None:
    assert found(rules(cases, baseline), 0.95, 0.5) >= power


@pytest.mark.parametrize("cases", [20, 100])
def test_where_nothing_changed_ten_trials_a_case_are_enough(cases: int) -> None:
    assert trials_taken(rules(cases), USUAL) <= 10


def test_no_answers_are_called_both() -> None:
    drops = rules(20)
    assert not (drops.good & drops.bad).any()
    assert not drops.bad[:, : BOUNDS.lowest].any()


def test_a_fixed_number_of_trials_has_one_look() -> None:
    drops = drop_rules(30, Bounds(30, 30), smallest_drop=0.45, alpha_good=0.05, alpha_bad=0.002)
    assert drops.bad[29, 30, 10]
    assert not drops.bad[:, :30].any()
    assert chance(drops.bad, 30, RATES, RATES).max() <= 0.002


def test_a_margin_of_everything_asks_whether_something_that_always_passed_never_does() -> None:
    drops = drop_rules(30, BOUNDS, smallest_drop=1.0, alpha_good=0.05, alpha_bad=0.002)
    assert drops.rule(30).decided(0, 5) is False
    assert drops.rule(30).decided(5, 5) is True
