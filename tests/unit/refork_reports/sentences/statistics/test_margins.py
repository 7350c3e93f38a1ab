"""What a verdict beside a baseline rules out, in words."""

import dataclasses

import pytest
from refork_evals.results import (
    Change,
    Comparison,
    Gate,
    GateCase,
    GateFinding,
    SuiteDrop,
    SuiteResult,
    Verdict,
)
from refork_reports.formats.html import render
from refork_reports.formats.terminal import summary
from refork_reports.sentences.gate import counted, notes
from refork_reports.sentences.statistics.margins import wanted
from refork_reports.views.trials.placed_cells import placed_cases
from support.report_evaluations import realistic

CELL = realistic().cells[0]
HELD = Comparison(change=Change.UNCHANGED, passes_before=27, trials_before=30, margin=0.45)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Change.UNCHANGED, "before 28/30: no drop of more than 45 points"),
        (Change.IMPROVED, "before 28/30: no drop of more than 45 points"),
        (Change.REGRESSED, "before 28/30"),
        (Change.INCONCLUSIVE, "before 28/30"),
    ],
)
def test_a_cell_beside_a_baseline_says_what_is_ruled_out(change: Change, said: str) -> None:
    compared = Comparison(change=change, passes_before=28, trials_before=30, margin=0.45)
    assert wanted(dataclasses.replace(CELL, comparison=compared)) == said


def test_a_cell_without_a_baseline_says_its_limit() -> None:
    assert wanted(dataclasses.replace(CELL, comparison=None, min_pass_rate=0.8)) == "at least 80% wanted"


def held(*margins: float, at_most: float | None = None) -> SuiteResult:
    """One case beside its baseline, at a gate of as many cases as there are margins."""
    made = realistic()
    cell = dataclasses.replace(made.cells[0], verdict=Verdict.HELD, comparison=HELD)
    result = dataclasses.replace(made.cases[0], cells=(cell, *made.cases[0].cells[1:]))
    cases = [GateCase(case=f"c{n}", finding=GateFinding.HELD, margin=each) for n, each in enumerate(margins)]
    suite = SuiteDrop(p_value=0.5, level=0.01, cases=len(cases), at_most=at_most)
    gate = Gate(cases=tuple(cases), baseline="baseline.json", suite=suite)
    return dataclasses.replace(made, cases=(result,), gate=gate)


@pytest.mark.parametrize(
    ("margins", "said"),
    [
        ((0.45,), "1 held (no drop of more than 45 points)"),
        ((0.45, 0.3), "2 held (no drop of more than 45 points in any of them)"),
    ],
)
def test_how_many_held_is_said_with_the_widest_drop_that_is_ruled_out(
    margins: tuple[float, ...], said: str
) -> None:
    gate = held(*margins).gate
    assert gate is not None
    assert counted(gate) == said


@pytest.mark.parametrize(
    ("at_most", "said"),
    [
        (0.0812, ["no mean drop of more than 9 points over 2 cases"]),
        (0.0, ["no mean drop over 2 cases"]),
        (None, []),
    ],
)
def test_the_mean_drop_that_is_ruled_out_is_rounded_up(at_most: float | None, said: list[str]) -> None:
    gate = held(0.45, 0.45, at_most=at_most).gate
    assert gate is not None
    assert notes(gate) == said


def test_the_row_of_a_case_that_held_says_its_baseline_in_the_terminal_and_on_the_page() -> None:
    made = held(0.45)
    table = ["".join(segment.text for segment in line) for line in summary(made, width=120)]
    assert any({"case", "before"} <= set(line.split()) for line in table)
    assert any("held" in line and "27/30" in line for line in table)
    assert "before 27/30: no drop of more than 45 points" in render(made)


def test_the_bar_of_a_case_beside_a_baseline_is_marked_at_the_drop_to_rule_out() -> None:
    bar = placed_cases(held(0.45))[0].cells[0].bar
    assert bar is not None
    assert bar.needed == pytest.approx(45)
    assert bar.text.endswith("45% would be the drop that is to be ruled out")
