"""The JSON Schema of ``case.yaml``, for editors. The contents of ``expect`` are defined in a layer above."""

import json
from collections.abc import Mapping
from typing import Any

from refork.case_files.case_file import CASE_FORMAT, SCHEMA_URL, CaseFile

_DIALECT = "http://json-schema.org/draft-07/schema#"
_ONE_KEY = {"type": "object", "minProperties": 1, "maxProperties": 1}


def case_schema(
    *,
    expectation: Mapping[str, Any] | None = None,
    definitions: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the schema of the newest format, in draft 7, which every editor supports.

    ``expectation`` is the schema of one entry of ``expect`` (default: any mapping of one key); it can refer
    to ``definitions`` as ``#/$defs/<name>``. ValueError where a definition's name is taken.
    """
    made = CaseFile.model_json_schema()
    taken = sorted(set(made["$defs"]) & set(definitions or {}))
    if taken:
        raise ValueError(f"the definition {taken[0]!r} is the schema's own: name it otherwise")
    properties = {name: _property(part) for name, part in made["properties"].items()}
    properties["version"] |= {"const": CASE_FORMAT.version}
    properties["fork"] = {"$ref": "#/$defs/ForkSection"}
    properties["expect"]["items"] = dict(expectation if expectation is not None else _ONE_KEY)
    return {
        "$schema": _DIALECT,
        "$id": SCHEMA_URL,
        "title": "A case of Refork",
        "description": made["description"],
        "type": "object",
        "additionalProperties": False,
        "required": made["required"],
        "properties": properties,
        "$defs": {
            "ForkSection": _section(made["$defs"]["ForkSection"]),
            **(definitions or {}),
        },
    }


def schema_text(schema: Mapping[str, Any]) -> str:
    """Return ``schema`` as the text of the published file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _section(made: Mapping[str, Any]) -> dict[str, Any]:
    return {**made, "properties": {name: _property(part) for name, part in made["properties"].items()}}


def _property(made: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a property without pydantic's titles, with its only non-null type at the top, where
    editors show it.
    """
    annotations = {key: value for key, value in made.items() if key not in {"title", "anyOf", "default"}}
    choices = [choice for choice in made.get("anyOf", []) if choice.get("type") != "null"]
    default = {"default": made["default"]} if made.get("default") is not None else {}
    brought_up = choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {}
    return {**brought_up, **annotations, **default}
