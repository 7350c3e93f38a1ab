"""``results.json`` read back, without what it takes to write one."""

from pathlib import Path
from typing import Final

from pydantic import ValidationError
from refork.errors import BadFileError
from refork.storage.files import read_text
from refork.storage.format_versions import Document, FileFormat
from refork.storage.json_text import parse_json
from refork.storage.validation import explain

from refork_reports.results_file.schema import VERSION, Results

RESULTS: Final = "results.json"
RESULTS_FORMAT: Final = FileFormat(version=VERSION)


def read(path: Path) -> Results:
    """Read a ``results.json``. Raises BadFileError where it is missing, damaged, or of a newer version."""
    document = _without_savings(RESULTS_FORMAT.upgrade(parse_json(read_text(path), path=path), path=path))
    try:
        return Results.model_validate(document)
    except ValidationError as error:
        finding = explain(error, schema=lambda: Results.model_json_schema(mode="serialization"))
        raise BadFileError(f"{str(path)!r} is damaged: {finding}; run the evaluation again") from error


def _without_savings(document: Document) -> Document:
    """Leave out ``savings``, which ``paid``, ``reused`` and ``whole_reruns`` replace, where an older file has it."""
    cases = document.get("cases")
    entries = [document.get("totals")]
    for case in cases if isinstance(cases, list) else []:
        cells = case.get("cells") if isinstance(case, dict) else None
        entries += cells if isinstance(cells, list) else []
    for entry in entries:
        if isinstance(entry, dict):
            entry.pop("savings", None)
    return document
