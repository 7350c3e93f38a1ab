"""A drop beside a baseline counts once fresh trials have shown it, too."""

import dataclasses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from refork.records.outcome import ErrorKind, Trial, TrialError
from refork.records.variant import CURRENT
from refork_evals.evaluation.looks import confirmed, more_trials, stopped_at
from refork_evals.plans import BaselinePlan
from refork_evals.results import Change, ScoredTrial, Verdict
from refork_evals.statistics.sequential import Bounds
from refork_evals.verdicts.cells import cell_from_scored, count
from support.evals_builders import case

PLAN = BaselinePlan(before=29, trials_before=30, bounds=Bounds(5, 60), alpha=0.002, is_confirmed=True)
LOST = TrialError(type="AnswerMissingError", message="not cached", kind=ErrorKind.ANSWER_MISSING)


def scored(marks: str) -> list[ScoredTrial]:
    """Trials that passed (``+``), failed (``-``), or whose answer is not cached (``?``)."""
    passed = {"+": True, "-": False}
    return [
        ScoredTrial(
            trial=Trial(variant=CURRENT, number=number, error=LOST if mark == "?" else None),
            passed=passed.get(mark),
        )
        for number, mark in enumerate(marks, 1)
    ]


def decided(marks: str, plan: BaselinePlan = PLAN) -> tuple[Verdict, Change | None, bool | None]:
    trials = scored(marks)
    cell = confirmed(cell_from_scored(case(), CURRENT, trials, min_pass_rate=0.7, plan=plan), plan, trials)
    change = None if cell.comparison is None else cell.comparison.change
    return cell.verdict, change, None if cell.second_look is None else cell.second_look.dropped


def first_look(*, is_clear: bool) -> str:
    """Trials that show a drop at the level of one of two looks, and where it is clear at that of a single one, too."""
    tried = ("+" * passes + "-" * failures for passes in range(20) for failures in range(5, 40))
    return next(
        marks
        for marks in tried
        if stopped_at(PLAN, scored(marks)) == len(marks)
        and PLAN.suspects(count(scored(marks), None))
        and PLAN.unconfirmed.suspects(count(scored(marks), None)) is is_clear
    )


CLEAR, WEAK = first_look(is_clear=True), first_look(is_clear=False)


@pytest.mark.parametrize("first", [CLEAR, WEAK])
def test_a_drop_that_fresh_trials_show_too_is_one(first: str) -> None:
    assert decided(first + "-----") == (Verdict.DROPPED, Change.REGRESSED, True)


@pytest.mark.parametrize("first", [CLEAR, WEAK])
def test_a_drop_that_fresh_trials_do_not_show_is_none(first: str) -> None:
    assert decided(first + "+" * 12) == (Verdict.INCONCLUSIVE, Change.INCONCLUSIVE, False)


def test_a_second_look_is_asked_for_after_a_drop_and_by_the_same_rule() -> None:
    first = CLEAR
    assert more_trials(PLAN, scored(first)) == 5
    assert more_trials(PLAN, scored(first + "---")) == 2
    assert more_trials(PLAN, scored(first + "-----")) == 0
    assert more_trials(PLAN, scored(first + "+-+-+")) > 0
    assert more_trials(PLAN, scored(first + "+" * 12)) == 0
    assert more_trials(dataclasses.replace(PLAN, is_confirmed=False), scored("-" * 12)) == 0


def test_what_held_is_not_asked_again() -> None:
    assert more_trials(PLAN, scored("+" * 12)) == 0
    assert decided("+" * 12) == (Verdict.HELD, Change.UNCHANGED, None)


@pytest.mark.parametrize("again", ["", "--", "?????"], ids=["none", "cut short", "not cached"])
def test_without_a_second_look_the_first_one_decides_at_the_level_of_one(again: str) -> None:
    assert decided(CLEAR + again) == (Verdict.DROPPED, Change.REGRESSED, None)
    assert decided(WEAK + again) == (Verdict.INCONCLUSIVE, Change.INCONCLUSIVE, None)


@given(st.text("+-", min_size=5, max_size=120))
@example("---++++---+++++++")
def test_no_drop_is_called_that_only_one_look_shows(marks: str) -> None:
    verdict, change, dropped = decided(marks)
    assert (change is Change.REGRESSED) is (verdict is Verdict.DROPPED)
    if dropped is not None:
        assert dropped is (verdict is Verdict.DROPPED)
