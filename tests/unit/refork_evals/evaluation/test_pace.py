"""While trials run, what they have cost is known, and about how long the others take."""

from dataclasses import replace
from decimal import Decimal

import pytest
from refork_evals.evaluation.pace import Pace
from refork_evals.trials import cost_of
from support.evals_builders import NOON, broken_trial, case, trial


def test_before_the_first_answers_the_recorded_call_says_how_long_one_takes() -> None:
    pace = Pace(4)
    pace.expect(case(), 10)
    assert pace.seconds_left(10) == pytest.approx(12.0)  # three rounds of four seconds


def test_a_tail_takes_as_long_as_all_recorded_model_calls_that_it_repeats() -> None:
    pace = Pace(1)
    pace.expect(replace(case(), scope="tail", step=1), 1)
    assert pace.seconds_left(1) == pytest.approx(8.0)


def test_from_the_third_answer_on_their_own_time_counts() -> None:
    pace = Pace(4)
    pace.expect(case(), 10)
    for number in range(2):
        pace.record(trial(number, seconds=1.0))
    assert pace.seconds_left(8) == pytest.approx(8.0)
    pace.record(trial(3, seconds=4.0))
    assert pace.seconds_left(7) == pytest.approx(4.0)


def test_without_recorded_times_the_first_answer_counts() -> None:
    pace = Pace(1)
    assert pace.seconds_left(5) is None
    pace.record(trial(1, seconds=0.5))
    assert pace.seconds_left(4) == pytest.approx(2.0)


def test_where_nothing_waits_nothing_is_left() -> None:
    pace = Pace(4)
    pace.expect(case(), 10)
    assert pace.seconds_left(0) is None


def test_what_was_paid_is_summed_up_and_reused_answers_are_free() -> None:
    pace = Pace(4)
    paid = [trial(1), trial(2)]
    others = [
        replace(trial(3), reused=True, answered_at=NOON),
        replace(trial(4), resumed=True),
        broken_trial(5),
    ]
    for each in (*paid, *others):
        pace.record(each)
    assert (pace.paid.trials, pace.paid.tokens) == (2, 220)
    assert pace.paid.cost_usd == sum((cost_of(each) or Decimal(0) for each in paid), Decimal(0))


def test_a_price_that_is_not_known_leaves_the_cost_unknown() -> None:
    pace = Pace(4)
    pace.record(trial(1, model="house-model"))
    assert pace.paid.cost_usd is None
    assert pace.paid.tokens == 110
