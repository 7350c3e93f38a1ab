"""Reads ``results.json``, without importing what writing needs."""

from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from refork.errors import BadFileError
from refork.storage.files import read_text
from refork.storage.format_versions import Document, FileFormat
from refork.storage.json_text import parse_json
from refork.storage.validation import explain
from refork_evals.results import Change, GateFinding, Method, Verdict

from refork_reports.results_file.schema import VERSION, Results

RESULTS: Final = "results.json"
RESULTS_FORMAT: Final = FileFormat(version=VERSION)


def read(path: Path) -> Results:
    """Read a ``results.json``. Raises BadFileError if it is missing, damaged, or of a newer version."""
    document = RESULTS_FORMAT.upgrade(parse_json(read_text(path), path=path), path=path)
    document = _with_held(_without_savings(document))
    try:
        return Results.model_validate(document)
    except ValidationError as error:
        finding = explain(error, schema=lambda: Results.model_json_schema(mode="serialization"))
        raise BadFileError(f"{str(path)!r} is damaged: {finding}; run the evaluation again") from error


def _without_savings(document: Document) -> Document:
    """Remove ``savings`` from an older file, because ``paid``, ``reused`` and ``whole_reruns`` replace it."""
    for entry in [document.get("totals"), *_cells(document)]:
        if isinstance(entry, dict):
            entry.pop("savings", None)
    return document


def _with_held(document: Document) -> Document:
    """Rename the verdicts of cells beside a baseline, and the findings of the gate, in an older file."""
    for cell in _cells(document):
        if cell.get("method") == Method.BASELINE:
            cell["verdict"] = _beside_baseline(cell)
    gate = document.get("gate")
    for case in _entries(gate.get("cases") if isinstance(gate, dict) else None):
        if case.get("finding") == Change.UNCHANGED:
            case["finding"] = GateFinding.HELD.value
    return document


def _beside_baseline(cell: Document) -> Any:
    compared = cell.get("comparison")
    verdict, change = cell.get("verdict"), compared.get("change") if isinstance(compared, dict) else None
    if verdict == Verdict.PASS:
        return Verdict.HELD.value
    return Verdict.DROPPED.value if verdict == Verdict.FAIL and change == Change.REGRESSED else verdict


def _cells(document: Document) -> list[Document]:
    cases = _entries(document.get("cases"))
    return [cell for case in cases for cell in _entries(case.get("cells"))]


def _entries(found: Any) -> list[Document]:
    """Return the objects of a list; none if a damaged file has something else in its place."""
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
