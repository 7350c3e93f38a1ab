"""Pandas frames of an evaluation, with one row for each cell, trial or score, in the evaluation's order.

The evaluation is a computed one, or what was read from ``results.json``.
The columns are declared with the fields of ``results.json`` (:mod:`refork_reports.results_file.schema`); this module
adds only those that identify a row.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Final, TypeAlias

import pandas as pd
from refork_evals.results import CaseResult, SuiteResult

from refork_reports.results_file.entry import Entry
from refork_reports.results_file.merge import MergedResults
from refork_reports.results_file.schema import CaseEntry, CellEntry, ScoreEntry, TrialEntry

Evaluated: TypeAlias = SuiteResult | MergedResults

_ORDER: Final = (
    "position", "case", "agent", "guard", "variant", "verdict", "fixes", "passes", "failures", "errors", "missing",
    "trials", "pass_rate", "low", "high", "min_pass_rate", "trial", "number", "scorer", "passed", "value", "reason",
    "text", "tool_calls", "error", "input_tokens", "output_tokens", "cost_usd", "seconds", "resumed",
)  # fmt: skip
"""The columns that frames have always had, in their order. Added ones follow, in the order of the file."""


def cells(evaluation: Evaluated) -> pd.DataFrame:
    """Return a row for each case and variant. Rates are between 0 and 1, cost is in US dollars, unknown values are
    missing.

    ``position`` counts the cases from 1.
    """
    cases: Sequence[CaseResult | CaseEntry] = evaluation.cases
    rows = (
        {"position": position, "case": _name(case)} | _row(CaseEntry, case) | _row(CellEntry, cell)
        for position, case in enumerate(cases, 1)
        for cell in case.cells
    )
    return _frame(rows, "cells")


def trials(evaluation: Evaluated) -> pd.DataFrame:
    """Return a row for each trial. ``tool_calls`` has a line for each call, ``error`` may be missing."""
    rows = (
        {"case": _name(case), "variant": cell.variant} | _row(TrialEntry, trial)
        for case in evaluation.cases
        for cell in case.cells
        for trial in cell.trials
    )
    return _frame(rows, "trials")


def scores(evaluation: Evaluated) -> pd.DataFrame:
    """Return a row for each scorer of each trial. ``passed`` is missing if the scorer raised."""
    rows = (
        {"case": _name(case), "variant": cell.variant, "trial": TrialEntry.field_of(trial, "number")}
        | _row(ScoreEntry, score)
        for case in evaluation.cases
        for cell in case.cells
        for trial in cell.trials
        for score in trial.scores
    )
    return _frame(rows, "scores")


def _name(case: CaseResult | CaseEntry) -> Any:
    return CaseEntry.field_of(case, "name")


def _columns(keys: Mapping[str, str], *entries: type[Entry]) -> Mapping[str, Any]:
    declared = {
        name: _dtype(column.dtype) for entry in entries for name, (_, column) in entry.columns().items()
    }
    found = {**keys, **declared}
    return {name: found[name] for name in [*(name for name in _ORDER if name in found), *found]}


def _dtype(declared: str | type[Enum]) -> Any:
    return declared if isinstance(declared, str) else pd.CategoricalDtype([each.value for each in declared])


COLUMNS: Final[Mapping[str, Mapping[str, Any]]] = {
    "cells": _columns({"position": "int64", "case": "str"}, CaseEntry, CellEntry),
    "trials": _columns({"case": "str", "variant": "str"}, TrialEntry),
    "scores": _columns({"case": "str", "variant": "str", "trial": "int64"}, ScoreEntry),
}
"""The columns of each frame, with their dtypes."""


def _row(entry: type[Entry], value: object) -> dict[str, Any]:
    return {
        name: column.value(entry.field_of(value, field)) for name, (field, column) in entry.columns().items()
    }


def _frame(rows: Iterable[dict[str, Any]], kind: str) -> pd.DataFrame:
    columns = COLUMNS[kind]
    return pd.DataFrame(list(rows), columns=list(columns)).astype(dict(columns))
