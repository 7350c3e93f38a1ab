"""``results.json``: an evaluation as a file, and the file as values again."""

from typing import Final

from refork.storage.json_text import dump_json
from refork_evals.results import Evaluation

from refork_reports.results_file.build import results
from refork_reports.results_file.read import RESULTS_FORMAT, read
from refork_reports.results_file.schema import Results

__all__ = ["RESULTS_FORMAT", "dumps", "json_schema", "read"]

_SCHEMA_ID: Final = "https://raw.githubusercontent.com/refork/refork/main/docs/schemas/results-v1.json"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def dumps(evaluation: Evaluation) -> str:
    """The text of ``results.json``, ending in a line feed."""
    return dump_json(results(evaluation).model_dump(mode="json"))


def json_schema() -> str:
    """The text of ``docs/schemas/results-v1.json``."""
    schema = Results.model_json_schema(mode="serialization")
    return dump_json({"$schema": _DIALECT, "$id": _SCHEMA_ID, **schema})
