"""The scoreboard sums up each prompt over all cases of its agent."""

from dataclasses import replace
from decimal import Decimal

import pytest
from refork.records.usage import Usage
from refork_evals.results import Interval, Verdict
from refork_evals.results.scoreboard import ScoreboardRow, Standing, TrialCounts
from refork_evals.statistics import wilson_interval
from refork_evals.verdicts.scoreboard import scoreboards
from support.report_evaluations import (
    evaluation,
    fixed_by,
    guard,
    malformed_sql,
    misleading_summary,
    realistic,
    stale,
    unmeasured,
)


def _row(agent: str, variant: str) -> ScoreboardRow:
    board = next(each for each in scoreboards(realistic()) if each.agent == agent)
    row = board.row(variant)
    assert row is not None
    return row


def test_current_stands_first_and_the_prompt_to_take_next() -> None:
    boards = scoreboards(realistic())
    assert [board.agent for board in boards] == ["summarizer", "analyst"]
    assert [row.variant for row in boards[0].rows] == ["current", "careful", "terse"]
    assert [row.standing for row in boards[0].rows] == [None, Standing.TAKE, Standing.HARMS]


def test_a_row_counts_cases_and_trials_with_those_of_current_in_the_same_cases() -> None:
    careful, current = _row("summarizer", "careful"), _row("summarizer", "current")
    assert (current.cases, current.good, current.bad, current.verdict) == (3, 1, 1, Verdict.FAIL)
    assert careful.trials == TrialCounts(passes=24)
    assert careful.current == TrialCounts(passes=15, failures=9)
    assert careful.effect is not None
    assert (careful.effect.fixes, careful.effect.broken) == (("misleading-summary",), ())


def test_the_interval_is_wilsons_over_all_trials() -> None:
    assert _row("summarizer", "careful").interval == wilson_interval(24, 24)


def test_unmeasured_trials_widen_the_interval_and_stay_in_the_denominator() -> None:
    short = _row("analyst", "short")
    assert short.trials == TrialCounts(passes=6, failures=2, unmeasured=2)
    low, high = wilson_interval(6, 10), wilson_interval(8, 10)
    assert low is not None
    assert high is not None
    assert short.interval == Interval(low=low.low, high=high.high)


def test_where_nothing_was_measured_there_is_no_interval() -> None:
    (board,) = scoreboards(evaluation(stale()))
    assert {row.interval for row in board.rows} == {None}
    assert {row.median_seconds for row in board.rows} == {None}


def test_cost_is_that_of_a_call_and_time_the_median_of_answered_trials() -> None:
    current = _row("summarizer", "current")
    cells = [cell for result in (misleading_summary(), guard()) if (cell := result.cell("current"))]
    assert current.cost_per_call == sum((cell.cost_usd or Decimal(0) for cell in cells), Decimal(0)) / 24
    assert current.median_seconds == pytest.approx(1.45)


def test_a_price_that_is_not_known_leaves_the_cost_unknown() -> None:
    result = misleading_summary()
    unpriced = replace(result.cells[0], cost_usd=None)
    (board,) = scoreboards(evaluation(replace(result, cells=(unpriced,))))
    assert board.rows[0].cost_per_call is None
    silent = replace(result.cells[0], usage=Usage(), cost_usd=None)
    (board,) = scoreboards(evaluation(replace(result, cells=(silent,))))
    assert board.rows[0].cost_per_call is None


def test_the_needed_rate_is_given_where_the_cases_agree_on_it() -> None:
    other = guard()
    strict = replace(other, cells=tuple(replace(cell, min_pass_rate=0.95) for cell in other.cells))
    (same,) = scoreboards(evaluation(misleading_summary(), other))
    (different,) = scoreboards(evaluation(misleading_summary(), strict))
    assert {row.needed for row in same.rows} == {0.8}
    assert {row.needed for row in different.rows} == {None}


@pytest.mark.parametrize(
    ("variants", "standings"),
    [
        (("careful", "terse"), {"careful": Standing.TAKE, "terse": Standing.FIXES}),
        ((), {"careful": Standing.UNSHOWN, "terse": Standing.FIXES_NONE}),
    ],
)
def test_a_candidate_stands_by_what_it_is_shown_to_do(
    variants: tuple[str, ...], standings: dict[str, Standing]
) -> None:
    (board,) = scoreboards(evaluation(fixed_by(misleading_summary(), *variants)))
    assert {row.variant: row.standing for row in board.rows[1:]} == standings


def test_where_nothing_fails_a_harmless_candidate_has_nothing_to_fix() -> None:
    (board,) = scoreboards(evaluation(guard()))
    assert [row.standing for row in board.rows] == [None, Standing.NOTHING_TO_FIX, Standing.HARMS]


def test_a_variant_that_changes_what_went_before_is_no_prompt() -> None:
    result = misleading_summary()
    changed = tuple(
        replace(cell, changes="the tool answers nothing") if cell.variant == "terse" else cell
        for cell in result.cells
    )
    (board,) = scoreboards(evaluation(replace(result, cells=changed)))
    assert [row.variant for row in board.rows] == ["current", "careful"]


def test_an_agent_without_cells_has_no_board() -> None:
    assert scoreboards(evaluation(replace(malformed_sql(), cells=()), unmeasured())) != ()
    assert scoreboards(evaluation(replace(malformed_sql(), cells=()))) == ()
