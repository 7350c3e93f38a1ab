"""An evaluation as pandas frames: a row a cell, a trial, a score. Rows keep the evaluation's order."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import pandas as pd
from refork_evals.results import CaseResult, Cell, Evaluation, ScoredTrial, Verdict

from refork_reports.views.timeline import call_line
from refork_reports.views.totals import shown_cost

VERDICTS: Final = pd.CategoricalDtype([verdict.value for verdict in Verdict])

_CELLS: Final[Mapping[str, Any]] = {
    "position": "int64",
    "case": "str",
    "agent": "str",
    "guard": "bool",
    "variant": "str",
    "verdict": VERDICTS,
    "fixes": "bool",
    "passes": "int64",
    "failures": "int64",
    "errors": "int64",
    "missing": "int64",
    "trials": "int64",
    "pass_rate": "Float64",
    "low": "Float64",
    "high": "Float64",
    "min_pass_rate": "float64",
    "input_tokens": "int64",
    "output_tokens": "int64",
    "cost_usd": "Float64",
    "seconds": "float64",
    "saved_tokens": "Int64",
    "saved_cost_usd": "Float64",
    "saved_seconds": "Float64",
}

_TRIALS: Final[Mapping[str, Any]] = {
    "case": "str",
    "variant": "str",
    "number": "int64",
    "passed": "boolean",
    "text": "str",
    "tool_calls": "str",
    "error": "str",
    "input_tokens": "Int64",
    "output_tokens": "Int64",
    "cost_usd": "Float64",
    "seconds": "float64",
    "resumed": "bool",
}

_SCORES: Final[Mapping[str, Any]] = {
    "case": "str",
    "variant": "str",
    "trial": "int64",
    "scorer": "str",
    "passed": "boolean",
    "value": "Float64",
    "reason": "str",
    "error": "str",
}


COLUMNS: Final[Mapping[str, Mapping[str, Any]]] = {"cells": _CELLS, "trials": _TRIALS, "scores": _SCORES}
"""The columns of each frame, with their dtypes."""


def cells(evaluation: Evaluation) -> pd.DataFrame:
    """A row for each case and variant. Rates lie between 0 and 1, cost is in US dollars, unknown is missing.

    ``position`` counts the cases from 1.
    """
    rows = (
        {"position": position} | _cell_row(result, cell)
        for position, result in enumerate(evaluation.cases, 1)
        for cell in result.cells
    )
    return _frame(rows, _CELLS)


def trials(evaluation: Evaluation) -> pd.DataFrame:
    """A row for each trial. ``tool_calls`` holds a line for each call, ``error`` may be missing."""
    return _frame((_trial_row(cell, scored) for cell in evaluation.cells for scored in cell.trials), _TRIALS)


def scores(evaluation: Evaluation) -> pd.DataFrame:
    """A row for each scorer of each trial. ``passed`` is missing where the scorer raised."""
    rows = (
        {
            "case": cell.case,
            "variant": cell.variant,
            "trial": scored.trial.number,
            "scorer": score.scorer,
            "passed": score.passed,
            "value": score.value,
            "reason": score.reason,
            "error": score.error,
        }
        for cell in evaluation.cells
        for scored in cell.trials
        for score in scored.scores
    )
    return _frame(rows, _SCORES)


def _frame(rows: Iterable[dict[str, Any]], columns: Mapping[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(columns)).astype(dict(columns))


def _cell_row(result: CaseResult, cell: Cell) -> dict[str, Any]:
    cost, saved = shown_cost(cell), cell.savings
    return {
        "case": cell.case,
        "agent": result.case.agent,
        "guard": result.case.guard,
        "variant": cell.variant,
        "verdict": cell.verdict.value,
        "fixes": cell.fixes,
        "passes": cell.passes,
        "failures": cell.failures,
        "errors": cell.errors,
        "missing": cell.missing,
        "trials": len(cell.trials),
        "pass_rate": cell.pass_rate,
        "low": cell.interval and cell.interval.low,
        "high": cell.interval and cell.interval.high,
        "min_pass_rate": cell.min_pass_rate,
        "input_tokens": cell.usage.input_tokens,
        "output_tokens": cell.usage.output_tokens,
        "cost_usd": _number(cost),
        "seconds": cell.seconds,
        "saved_tokens": saved and saved.tokens,
        "saved_cost_usd": saved and _number(saved.cost_usd),
        "saved_seconds": saved and saved.seconds,
    }


def _trial_row(cell: Cell, scored: ScoredTrial) -> dict[str, Any]:
    trial = scored.trial
    answer, error, usage = trial.answer, trial.error, trial.usage
    return {
        "case": cell.case,
        "variant": cell.variant,
        "number": trial.number,
        "passed": scored.passed,
        "text": answer and answer.text,
        "tool_calls": answer and "\n".join(call_line(call) for call in answer.tool_calls),
        "error": error and f"{error.type}: {error.message}",
        "input_tokens": usage and usage.input_tokens,
        "output_tokens": usage and usage.output_tokens,
        "cost_usd": _number(scored.cost_usd),
        "seconds": trial.seconds,
        "resumed": trial.resumed,
    }


def _number(amount: Any) -> float | None:
    return None if amount is None else float(amount)
