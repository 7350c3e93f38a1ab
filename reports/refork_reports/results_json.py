"""``results.json``: an evaluation as a file, and the file as values again."""

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from refork.errors import BadFileError
from refork_evals.results import Evaluation
from refork_reports import results_schema
from refork_reports.results_build import results
from refork_reports.results_schema import VERSION, Results

_SCHEMA_ID: Final = "https://raw.githubusercontent.com/refork/refork/main/docs/schemas/results-v1.json"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def dumps(evaluation: Evaluation) -> str:
    """The text of ``results.json``, ending in a line feed."""
    data = results(evaluation).model_dump(mode="json")
    return json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def read(path: Path) -> Results:
    """Read a ``results.json``. Raises BadFileError where it is missing, damaged, or of a newer version."""
    data = _json_of(path)
    _check_version(data, path)
    try:
        return Results.model_validate(data)
    except ValidationError as error:
        problem = _problem(error.errors(include_url=False)[0])
        raise BadFileError(f"{str(path)!r} is damaged: {problem}; run the evaluation again") from None


def json_schema() -> str:
    """The text of ``docs/schemas/results-v1.json``."""
    schema = Results.model_json_schema(mode="serialization")
    return json.dumps({"$schema": _DIALECT, "$id": _SCHEMA_ID, **schema}, ensure_ascii=False, indent=2) + "\n"


def _json_of(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except OSError as error:
        raise BadFileError(f"{str(path)!r} cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise BadFileError(f"{str(path)!r} is damaged: not JSON ({error}); run the evaluation again") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _check_version(data: Any, path: Path) -> None:
    version = data.get("version") if isinstance(data, dict) else None
    if type(version) is not int or version < 1:
        raise BadFileError(
            f"{str(path)!r} is no results.json of Refork: its 'version' is {version!r}, {VERSION} is accepted"
        )
    if version > VERSION:
        raise BadFileError(
            f"{str(path)!r} is of format version {version}, and this Refork reads up to {VERSION}: upgrade refork"
        )


def _problem(error: ErrorDetails) -> str:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] != "extra_forbidden":
        return f"{place!r}: {error['msg']}"
    near = get_close_matches(str(error["loc"][-1]), _KEYS, n=1)
    return f"unknown key {place!r}" + (f" (did you mean {near[0]!r}?)" if near else "")


def _keys() -> set[str]:
    parts = (part for part in vars(results_schema).values() if isinstance(part, type))
    fields: list[dict[str, FieldInfo]] = [getattr(part, "model_fields", {}) for part in parts]
    return {name for found in fields for name in found}


_KEYS: Final = _keys()
