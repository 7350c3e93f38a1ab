"""A field of ``results.json`` and a column of the frames are one declaration, and no class repeats another."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import Field, TypeAdapter, ValidationError
from refork import records
from refork.records import outcome, usage
from refork.records.usage import Usage, WholeReruns
from refork_evals import results
from refork_evals.results import agreement, comparisons, estimates, gate, totals
from refork_reports.formats import frames
from refork_reports.results_file import schema
from refork_reports.results_file.entry import Entry, FrameColumn, Of, Plain
from support.report_evaluations import HOSTILE, misleading_summary, realistic

KEYS = {"cells": {"position", "case"}, "trials": {"case", "variant"}, "scores": {"case", "variant", "trial"}}
ROWS = {
    "cells": (schema.CaseEntry, schema.CellEntry),
    "trials": (schema.TrialEntry,),
    "scores": (schema.ScoreEntry,),
}


class WiderCell(schema.CellEntry):
    """What somebody writes who adds a column: one field."""

    slowest: Annotated[
        float, Of(lambda cell: max(each.trial.seconds for each in cell.trials)), FrameColumn("float64")
    ]


def entries() -> Iterator[type[Entry]]:
    return (found for found in vars(schema).values() if isinstance(found, type) and issubclass(found, Entry))


def test_one_field_is_a_key_of_the_file_its_schema_and_a_column() -> None:
    cell = misleading_summary().cells[0]
    written = json.loads(WiderCell.model_validate(cell).model_dump_json())
    assert written["slowest"] == max(scored.trial.seconds for scored in cell.trials)
    assert "slowest" in WiderCell.model_json_schema(mode="serialization")["required"]
    columns = {
        name: (column.dtype, WiderCell.field_of(cell, field))
        for name, (field, column) in WiderCell.columns().items()
    }
    assert columns["slowest"] == ("float64", written["slowest"])


@pytest.mark.parametrize("rows", ["cells", "trials", "scores"])
def test_every_column_but_the_keys_of_a_row_is_declared_by_a_field_of_the_file(rows: str) -> None:
    declared = [name for entry in ROWS[rows] for name in entry.columns()]
    assert len(declared) == len(set(declared))
    assert set(frames.COLUMNS[rows]) == KEYS[rows] | set(declared)


def test_a_column_that_is_added_stands_behind_those_that_were() -> None:
    names = list(frames._columns({"case": "str"}, WiderCell))
    assert names[0] == "case"
    assert names[-1] == "slowest"


def test_no_entry_of_the_file_only_repeats_a_computed_value() -> None:
    """One that holds the very fields of a computed value, and nothing derived, is to be ``Plain[...]`` of it."""
    modules = (results, comparisons, gate, totals, estimates, agreement, records, outcome, usage)
    computed = {
        frozenset(field.name for field in dataclasses.fields(found))
        for module in modules
        for found in vars(module).values()
        if isinstance(found, type) and dataclasses.is_dataclass(found)
    }
    assert [entry.__name__ for entry in entries() if frozenset(entry.model_fields) in computed] == []


def test_what_is_read_back_is_what_was_computed() -> None:
    made = realistic()
    read = schema.Results.model_validate(schema.Results.model_validate(made).model_dump(mode="json"))
    for case, result in zip(read.cases, made.cases, strict=True):
        for cell, computed in zip(case.cells, result.cells, strict=True):
            assert (cell.usage, cell.whole_reruns, cell.request) == (
                computed.usage,
                computed.whole_reruns,
                computed.request,
            )
            assert [trial.answer for trial in cell.trials] == [each.trial.answer for each in computed.trials]


def test_a_value_is_told_from_the_file_by_what_it_is() -> None:
    class Shown(Entry):
        inside = "usage"

        calls: int
        doubled: Annotated[int, Of(lambda step: step.usage.calls * 2)]
        total_tokens: Annotated[int, Of("usage.total_tokens")]

    step = records.Step(number=1, name="ask", usage=Usage(calls=2, input_tokens=3, output_tokens=4))
    written = {"calls": 2, "doubled": 4, "total_tokens": 7}
    assert Shown.model_validate(step).model_dump() == written
    assert Shown.model_validate(written).model_dump() == written


def test_a_field_whose_default_hides_its_function_says_so() -> None:
    hidden: Any = Field(default=1)
    with pytest.raises(TypeError, match="hides the function of its own name"):
        Of(hidden)


def test_what_json_lacks_is_spelled_out_inside_a_computed_value_too() -> None:
    plain: TypeAdapter[Any] = TypeAdapter(Plain[records.Answer])
    call = records.ToolCall(name="mail", arguments={"text": HOSTILE, "amount": float("nan")})
    written = plain.dump_json(plain.validate_python(records.Answer(tool_calls=(call,)))).decode()
    arguments = json.loads(written)["tool_calls"][0]["arguments"]
    assert arguments["amount"] == "nan"
    assert "\\ud800" in arguments["text"]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_must_be_one_is_refused_where_it_is_none(number: float) -> None:
    class Timed(Entry):
        whole: Plain[WholeReruns] | None
        seconds: float

    with pytest.raises(ValidationError, match="finite number"):
        Timed.model_validate(
            {"whole": {"trials": 1, "tokens": 2, "cost_usd": None, "seconds": 1.0}, "seconds": number}
        )
