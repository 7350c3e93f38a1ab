"""Turns pydantic's errors into one line with the key, the nearest known key and what is accepted."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from refork.text.lines import Path_, key_path, nearest, one_line

_UNKNOWN_KEY = {"extra_forbidden", "unexpected_keyword_argument"}
_MISSING_KEY = {"missing", "missing_argument"}
_WANTED = {
    "int_type": "must be an integer",
    "int_from_float": "must be an integer",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "dataclass_type": "must be a mapping of keys to values",
}


def explain(
    error: ValidationError,
    *,
    schema: Callable[[], Mapping[str, Any]],
    at: Callable[[Path_], str] = lambda _: "",
) -> str:
    """Return the first problem in ``error`` as ``key: what is wrong``.

    ``schema`` returns the JSON Schema of the model, which contains the known keys; ``at`` returns the place of a
    key, such as `` line 3``, for files with lines.
    """
    found = _most_telling(error)
    where = tuple(found["loc"])
    return f"{at(where)}{_finding(found, where, schema)}"


def _most_telling(error: ValidationError) -> Mapping[str, Any]:
    found: list[Mapping[str, Any]] = [*error.errors(include_url=False, include_context=True)]
    # A misspelt key is reported as missing and as unknown: only the second says what to correct.
    return next((entry for entry in found if entry["type"] in _UNKNOWN_KEY), found[0])


def _finding(found: Mapping[str, Any], where: Path_, schema: Callable[[], Mapping[str, Any]]) -> str:
    key = key_path(where)
    if found["type"] in _UNKNOWN_KEY:
        return f"unknown key {key!r}{nearest(str(where[-1]), known_keys(schema(), where[:-1]))}"
    if found["type"] in _MISSING_KEY:
        return f"the key {key!r} is missing"
    message = _message(found)
    return f"{key!r} {message}" if key else message


def _message(found: Mapping[str, Any]) -> str:
    if found["type"] == "value_error":
        return one_line(str(found["ctx"]["error"]))
    text = _WANTED.get(found["type"]) or str(found["msg"]).replace("Input should be", "must be")
    return one_line(f"{text[:1].lower()}{text[1:]}, and is {_shown(found['input'])}", 300)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return one_line(_safe_repr(value), 80)


def _safe_repr(value: Any) -> str:
    try:
        return repr(value)
    except ValueError:  # an integer of more than 4300 digits
        return f"a {type(value).__name__}"


def known_keys(schema: Mapping[str, Any], where: Path_) -> set[str]:
    """Return the keys that a JSON Schema accepts in the object at ``where``."""
    nodes = _resolved(schema, schema)
    for part in where:
        nodes = [found for node in nodes for step in _steps(node, part) for found in _resolved(schema, step)]
    return {key for node in nodes for key in node.get("properties", {})}


def _steps(node: Mapping[str, Any], part: int | str) -> list[Mapping[str, Any]]:
    if isinstance(part, int):
        return [node["items"]] if "items" in node else []
    properties = node.get("properties", {})
    return [properties[part]] if part in properties else []


def _resolved(schema: Mapping[str, Any], node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if "$ref" in node:
        return _resolved(schema, schema["$defs"][str(node["$ref"]).rsplit("/", 1)[-1]])
    if "anyOf" in node:
        return [found for choice in node["anyOf"] for found in _resolved(schema, choice)]
    return [node]
