"""Equal outputs of a cell are one group, and failures come first."""

from dataclasses import replace

from refork_evals.results import Cell, ScoredTrial, Verdict
from refork_reports.views.trials.trial_groups import trial_groups
from support.report_evaluations import FELL, ROSE, broke, case, cell, failed, mixed, passed, tail


def groups(*trials: ScoredTrial) -> list[tuple[str, str, list[int]]]:
    made = trial_groups(case("a"), cell("a", "current", Verdict.FAIL, trials))
    return [
        (group.outcome, group.repeated, [scored.trial.number for scored in group.trials]) for group in made
    ]


def test_failures_come_first_then_errors_then_passes() -> None:
    found = groups(passed("current", 1, FELL), broke("current", 2), failed("current", 3, ROSE))
    assert [(outcome, numbers) for outcome, _, numbers in found] == [
        ("fail", [3]),
        ("error", [2]),
        ("pass", [1]),
    ]


def test_equal_outputs_are_counted() -> None:
    assert groups(*mixed("current", passes=3)) == [
        ("fail", "7 of 10 said exactly this", [1, 2, 3, 4, 5, 6, 7]),
        ("pass", "3 of 10 said exactly this", [8, 9, 10]),
    ]
    assert groups(*(broke("current", number) for number in (1, 2))) == [
        ("error", "2 of 2 ended exactly so", [1, 2])
    ]


def test_the_output_that_came_most_often_is_the_first_of_its_outcome() -> None:
    found = groups(failed("current", 1, "one"), failed("current", 2, "two"), failed("current", 3, "two"))
    assert [numbers for _, _, numbers in found] == [[2, 3], [1]]


def test_the_same_output_that_once_passed_and_once_failed_is_in_two_groups() -> None:
    assert [outcome for outcome, _, _ in groups(failed("current", 1, FELL), passed("current", 2, FELL))] == [
        "fail",
        "pass",
    ]


def test_tails_are_equal_if_their_steps_are() -> None:
    made = tail()
    found = trial_groups(made.case, made.cells[0])
    assert [group.repeated for group in found][:2] == ["6 of 10 did exactly this", ""]


def test_a_cell_without_trials_has_no_groups() -> None:
    empty: Cell = replace(tail().cells[0], trials=())
    assert trial_groups(case("a"), empty) == ()
