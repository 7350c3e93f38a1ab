"""A candidate takes trials until it is told from ``current``, or its pass rate is known."""

import pytest
from refork_evals.plans import CandidatePlan
from refork_evals.plans.sequential import SequentialPlan
from refork_evals.plans.shares import share_of_pair
from refork_evals.results import Change, Verdict
from refork_evals.statistics.sequential import Bounds
from refork_evals.verdicts.decision import CellCounts

CELLS = 4
PLAN = CandidatePlan(
    rate=SequentialPlan(bounds=Bounds(5, 60), min_pass_rate=0.7, alpha=0.05, cases=CELLS),
    alpha=share_of_pair(0.05, CELLS, cases=4),
)


def counts(passed: str, errors: int = 0) -> CellCounts:
    passes, trials = map(int, passed.split("/"))
    return CellCounts(passes=passes, failures=trials - passes, errors=errors)


def test_it_begins_with_the_round_that_every_case_has() -> None:
    assert PLAN.first == 10


@pytest.mark.parametrize(
    ("own", "current", "more"),
    [
        pytest.param("7/10", "0/10", 0, id="at its min_pass_rate, but clearly better than current"),
        pytest.param("10/10", "9/10", 0, id="its own rate is known to be high enough"),
        pytest.param("0/10", "1/10", 0, id="its own rate is known to be too low"),
        pytest.param("7/10", "6/10", 5, id="nothing is known: on to the next look"),
        pytest.param("21/30", "20/30", 10, id="nor here"),
        pytest.param("28/40", "27/40", 0, id="about 0.7, and the interval is narrow enough"),
        pytest.param("42/60", "41/60", 0, id="no more rounds"),
    ],
)
def test_rounds_go_where_something_is_open(own: str, current: str, more: int) -> None:
    assert PLAN.more_rounds(counts(own), counts(current)) == more


@pytest.mark.parametrize(
    ("own", "current", "change"),
    [
        ("10/10", "0/10", Change.IMPROVED),
        ("0/10", "10/10", Change.REGRESSED),
        ("6/10", "5/10", Change.INCONCLUSIVE),
    ],
)
def test_a_case_says_which_of_the_two_is_better(own: str, current: str, change: Change) -> None:
    assert PLAN.beside(counts(own), counts(current)) is change


def test_trials_that_could_not_be_measured_speak_for_neither() -> None:
    assert PLAN.beside(counts("5/5", errors=5), counts("0/10")) is Change.INCONCLUSIVE
    assert PLAN.beside(counts("10/10"), counts("0/5", errors=5)) is Change.INCONCLUSIVE


def test_different_numbers_of_trials_are_not_compared() -> None:
    assert PLAN.beside(counts("10/10"), counts("0/15")) is Change.INCONCLUSIVE


def test_its_verdict_is_that_of_its_own_rate() -> None:
    assert PLAN.decide(counts("10/10")).verdict is Verdict.PASS
    undecided = PLAN.decide(counts("28/40"))
    assert undecided.verdict is Verdict.INCONCLUSIVE
    assert undecided.reason == "28 of 40 passed, between 0.55 and 0.82: neither above 0.7 nor below it"
    assert PLAN.too_few == ""


def test_all_that_may_be_called_in_single_cases_is_half_of_alpha() -> None:
    assert share_of_pair(0.05, 40, cases=20) * 2 * 40 == pytest.approx(0.025)
    assert share_of_pair(0.05, 3, cases=1) * 2 * 3 == pytest.approx(0.05)
