"""The session at which a case changed: a flipped verdict, or a difference of two rates that excludes 0."""

from itertools import product

import pytest
from refork_evals.results import PastCell, Verdict
from refork_reports.history.changes import Changed, all_series
from refork_reports.history.words import change_words
from scipy.stats import binom
from support.histories import dropped, past_cell, past_session


def changes(*cells: PastCell) -> list[Changed | None]:
    (series,) = all_series([past_session(day, cell) for day, cell in enumerate(cells, 1)])
    return [point.changed for point in series.points]


def test_a_flipped_verdict_and_a_rate_that_differs_are_a_change() -> None:
    rosy, steady = all_series(dropped())
    change = rosy.last_change
    assert change is not None
    assert change.session.commit is not None
    assert change.session.commit.startswith("0000003")
    assert change_words(change) == "fell from pass, 100%"
    assert steady.last_change is None


def test_rates_that_chance_explains_are_no_change() -> None:
    assert changes(past_cell(5), past_cell(9), past_cell(6)) == [None, None, None]


def test_a_rate_is_compared_with_the_last_one_that_was_measured() -> None:
    unmeasured = past_cell(0, 0, verdict=Verdict.ERROR, interval=None)
    assert changes(past_cell(1), unmeasured, past_cell(10)) == [
        None,
        None,
        Changed(direction="rose", rate_before=0.1),
    ]


def test_an_undecided_session_does_not_hide_that_a_verdict_flipped() -> None:
    found = changes(past_cell(7, verdict=Verdict.PASS), past_cell(6), past_cell(5, verdict=Verdict.FAIL))
    assert found[-1] == Changed(direction="fell", verdict_before=Verdict.PASS)


def test_a_verdict_beside_a_baseline_never_flips_one_beside_a_rate() -> None:
    found = changes(past_cell(8, verdict=Verdict.PASS), past_cell(7, verdict=Verdict.DROPPED))
    assert found == [None, None]


def test_a_case_with_other_expectations_is_compared_with_nothing_before() -> None:
    sessions = [past_session(1, past_cell(0)), past_session(2, past_cell(10, fingerprint="f2"))]
    (series,) = all_series(sessions)
    assert series.last_change is None
    assert change_words(series.points[1]) == "case redefined"


@pytest.mark.parametrize("trials", [10, 20, 40])
@pytest.mark.parametrize("rate", [0.5, 0.8, 0.95])
def test_of_two_sessions_of_an_unchanged_prompt_at_most_one_in_twenty_is_marked(
    trials: int, rate: float
) -> None:
    cells = [past_cell(passes, trials) for passes in range(trials + 1)]
    chance = [float(binom.pmf(passes, trials, rate)) for passes in range(trials + 1)]
    marked = sum(
        chance[before] * chance[now]
        for before, now in product(range(trials + 1), repeat=2)
        if changes(cells[before], cells[now])[1] is not None
    )
    assert 0.001 < marked < 0.06
