"""``results.json``: an evaluation as a file, and the file as values again."""

from pathlib import Path
from typing import Final

from pydantic import ValidationError
from refork.errors import BadFileError
from refork.files.checks import explain
from refork.files.json_text import dump_json, parse_json
from refork.files.storage import read_text
from refork.files.versions import Format
from refork_evals.results import Evaluation

from refork_reports.results_build import results
from refork_reports.results_schema import VERSION, Results

RESULTS_FORMAT: Final = Format(version=VERSION)
_SCHEMA_ID: Final = "https://raw.githubusercontent.com/refork/refork/main/docs/schemas/results-v1.json"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def dumps(evaluation: Evaluation) -> str:
    """The text of ``results.json``, ending in a line feed."""
    return dump_json(results(evaluation).model_dump(mode="json"))


def read(path: Path) -> Results:
    """Read a ``results.json``. Raises BadFileError where it is missing, damaged, or of a newer version."""
    document = RESULTS_FORMAT.upgrade(parse_json(read_text(path), path=path), path=path)
    try:
        return Results.model_validate(document)
    except ValidationError as error:
        finding = explain(error, schema=lambda: Results.model_json_schema(mode="serialization"))
        raise BadFileError(f"{str(path)!r} is damaged: {finding}; run the evaluation again") from error


def json_schema() -> str:
    """The text of ``docs/schemas/results-v1.json``."""
    schema = Results.model_json_schema(mode="serialization")
    return dump_json({"$schema": _DIALECT, "$id": _SCHEMA_ID, **schema})
