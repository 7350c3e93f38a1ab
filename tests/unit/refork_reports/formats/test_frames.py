"""Frames are typed, keep the evaluation's order, and leave unknown missing."""

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from refork_reports.formats import frames
from support.report_evaluations import evaluation, everything, hostile, realistic, stale


def only(frame: pd.DataFrame, **keys: object) -> dict[str, Any]:
    """The one row that has these values."""
    for name, wanted in keys.items():
        frame = frame[frame[name] == wanted]
    (row,) = frame.to_dict("records")
    return {str(name): value for name, value in row.items()}


def test_cells_stand_in_the_order_of_the_evaluation() -> None:
    found = frames.cells(realistic())
    assert list(found["case"].drop_duplicates()) == [result.case.name for result in realistic().cases]
    assert list(found.loc[found["case"] == "misleading-summary", "variant"]) == [
        "current",
        "careful",
        "terse",
    ]


def test_a_cell_holds_its_counts_its_rate_and_what_whole_reruns_would_have_taken() -> None:
    row = only(frames.cells(realistic()), case="misleading-summary", variant="careful")
    assert (row["passes"], row["failures"], row["errors"], row["trials"]) == (10, 0, 0, 10)
    assert (row["pass_rate"], row["high"], row["min_pass_rate"]) == (1.0, 1.0, 0.8)
    assert row["low"] == pytest.approx(0.7225, abs=1e-4)
    assert row["fixes"]
    assert row["paid_tokens"] == row["input_tokens"] + row["output_tokens"]
    assert (row["reused_tokens"], row["rerun_tokens"], row["rerun_seconds"]) == (0, 10 * 7_744, 80.0)


def test_columns_are_typed_even_where_nothing_was_evaluated() -> None:
    for make in (frames.cells, frames.trials, frames.scores):
        empty, full = make(evaluation()), make(everything())
        assert list(empty.columns) == list(full.columns)
        assert list(empty.dtypes) == list(full.dtypes)
        assert "object" not in {str(dtype) for dtype in full.dtypes}


def test_a_verdict_can_only_be_one_of_the_seven() -> None:
    assert list(frames.cells(realistic())["verdict"].cat.categories) == [
        "pass",
        "fail",
        "held",
        "dropped",
        "inconclusive",
        "error",
        "stale",
    ]


def test_what_was_not_measured_is_missing_and_not_zero() -> None:
    found = frames.cells(evaluation(stale()))
    assert found[["pass_rate", "low", "high", "cost_usd", "rerun_tokens"]].isna().all(axis=None)


def test_a_model_without_a_price_has_tokens_and_no_cost() -> None:
    found = frames.cells(evaluation(hostile()))
    assert found["cost_usd"].isna().all()
    assert (found["input_tokens"] > 0).all()


def test_trials_tell_errors_from_failures() -> None:
    found = frames.trials(realistic())
    broke = only(found, case="wrong-tool", variant="current", number=1)
    assert pd.isna(broke["passed"])
    assert broke["error"].startswith("RateLimitError: 429")
    failed = only(found, case="malformed-sql", variant="current", number=1)
    assert not failed["passed"]
    assert pd.isna(failed["error"])
    assert failed["tool_calls"] == 'run_sql({"query": "SELECT FROM sales GROUP BY", "limit": 100})'


def test_resumed_trials_are_marked() -> None:
    found = frames.trials(realistic())
    assert list(found.loc[found["resumed"], "number"]) == [1, 2, 3]


def test_every_score_of_every_trial_has_a_row() -> None:
    expected = sum(len(scored.scores) for cell in realistic().cells for scored in cell.trials)
    found = frames.scores(realistic())
    assert len(found) == expected
    raised = found[found["passed"].isna()]
    assert list(raised["error"]) == ["KeyError: 'tone'"]


def test_costs_of_the_frame_are_those_of_the_evaluation() -> None:
    exact = sum((cell.cost_usd or Decimal(0) for cell in realistic().cells), Decimal(0))
    assert frames.cells(realistic())["cost_usd"].sum() == pytest.approx(float(exact))


def test_text_that_utf8_cannot_hold_is_spelled_out_as_in_the_file() -> None:
    shown = "".join(frames.trials(evaluation(hostile()))["text"].dropna())
    assert shown.encode()
    assert r"\ud800" in shown
