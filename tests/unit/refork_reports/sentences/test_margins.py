"""What a verdict beside a baseline rules out, in words."""

import dataclasses

import pytest
from refork_evals.results import Change, Comparison
from refork_reports.sentences.margins import wanted
from support.report_evaluations import realistic

CELL = realistic().cells[0]


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
