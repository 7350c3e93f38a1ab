"""Writes an evaluation as ``results.json``, and returns the file's JSON Schema."""

from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from refork.storage.json_text import dump_json
from refork_evals.results import SuiteResult

from refork_reports.results_file.read import RESULTS_FORMAT, read
from refork_reports.results_file.schema import Results

__all__ = ["RESULTS_FORMAT", "dumps", "json_schema", "read"]

_SCHEMA_ID: Final = "https://raw.githubusercontent.com/refork/refork/main/docs/schemas/results-v1.json"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_ADDED_LATER: Final = frozenset({"at_most", "ending", "kind", "margin", "own", "worse_guards"})
"""Fields of computed values that files of an earlier Refork do not have."""


def dumps(evaluation: SuiteResult) -> str:
    """Return the text of ``results.json``, ending in a line feed."""
    return dump_json(Results.model_validate(evaluation).model_dump(mode="json"))


def json_schema() -> str:
    """Return the text of ``docs/schemas/results-v1.json``."""
    schema = Results.model_json_schema(mode="serialization", schema_generator=_AsWritten)
    return dump_json({"$schema": _DIALECT, "$id": _SCHEMA_ID, **schema})


class _AsWritten(GenerateJsonSchema):
    """The schema of the written file: all fields of a computed value, including those that have a default in
    Python.
    """

    def field_is_required(self, field: Any, total: bool) -> bool:
        if field["type"] == "dataclass-field":
            return field["name"] not in _ADDED_LATER
        return super().field_is_required(field, total)

    def dataclass_field_schema(self, schema: Any) -> JsonSchemaValue:
        inner = schema["schema"]
        return self.generate_inner(inner["schema"] if inner["type"] == "default" else inner)
