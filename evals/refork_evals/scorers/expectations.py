"""Turns ``expect`` of a case into scorers, and into a JSON Schema for editors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema
from refork.errors import BadFileError
from refork.records import Case

from refork_evals.scorers.builtin import BUILT_IN
from refork_evals.scorers.builtin.base import NESTED_SCHEMA
from refork_evals.scorers.evidence import is_list, is_object
from refork_evals.scorers.parameters import below, first_error, key_path, sentence
from refork_evals.scorers.protocol import Scorer
from refork_evals.scorers.registry import parse_scorer


def parse_expectations(case: Case) -> tuple[Scorer, ...]:
    """Return the scorers of ``case.expect``, in its order.

    Raises BadFileError, naming the file and the key path, for an unknown scorer or parameter, a bad value, an
    empty list, or a scorer that needs another scope.
    """
    file = case.folder / "case.yaml"
    if not case.expect:
        raise BadFileError(f"{file}: expect: the case has no expectations: nothing could fail; add a scorer")
    scorers = tuple(_parse(entry, index, file) for index, entry in enumerate(case.expect))
    for index, scorer in enumerate(scorers):
        if case.scope != "tail" and (name := needs_tail(scorer)) is not None:
            raise BadFileError(
                f"{file}: expect[{index}]: {name!r} looks at what comes after the fork point, and scope 'step' "
                "ends there; set `scope: tail`"
            )
    return scorers


def parse_expectation(case: Case, place: int) -> Scorer:
    """Return one of the scorers of ``case.expect``. Raises BadFileError as :func:`parse_expectations` does."""
    return _parse(case.expect[place], place, case.folder / "case.yaml")


def needs_tail(scorer: object) -> str | None:
    """The name of a scorer, among this one and its parts, that needs a tail."""
    if getattr(scorer, "tail_only", False):
        return str(getattr(scorer, "name", ""))
    parts: tuple[object, ...] = getattr(scorer, "parts", ())
    return next((name for part in parts if (name := needs_tail(part)) is not None), None)


def _parse(entry: Mapping[str, Any], index: int, file: Path) -> Scorer:
    try:
        return parse_scorer(entry)
    except ValidationError as error:
        first = first_error(below(error, "expect", index))
        raise BadFileError(f"{file}: {key_path(first['loc'])}: {sentence(first)}") from None


def expect_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``expect``. Its ``$defs`` belong at the root of the whole schema."""
    _, schema = models_json_schema([(model, "validation") for model in BUILT_IN.values()])
    definitions = {name: _resolved(body) for name, body in schema["$defs"].items()}
    kinds = {kind: _with_short_form(model, definitions[model.__name__]) for kind, model in BUILT_IN.items()}
    expectation = {
        "description": "One scorer: its name and parameters. Other names are the project's own scorers.",
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "properties": kinds,
    }
    return {
        "type": "array",
        "minItems": 1,
        "items": {"$ref": "#/$defs/Expectation"},
        "$defs": {**definitions, "Expectation": expectation},
    }


def _with_short_form(model: type[BaseModel], body: Mapping[str, Any]) -> dict[str, Any]:
    whole = {"$ref": f"#/$defs/{model.__name__}"}
    short = getattr(model, "short_form", None)
    if short is None:
        return whole
    short_schema = body["properties"][_alias(model, short)]
    return short_schema if getattr(model, "always_short", False) else {"anyOf": [short_schema, whole]}


def _alias(model: type[BaseModel], name: str) -> str:
    return name if name not in model.model_fields else model.model_fields[name].alias or name


def _resolved(node: Any) -> Any:
    """Return the schema with the placeholders of nested expectations, and the short form of ``from``, filled in."""
    if is_list(node):
        return [_resolved(item) for item in node]
    if not is_object(node):
        return node
    if NESTED_SCHEMA in node:
        return {"$ref": "#/$defs/Expectation"}
    if node.get("$ref") == "#/$defs/Source":
        return {"anyOf": [{"enum": ["text", "structured"]}, {"$ref": node["$ref"]}]}
    return {key: _resolved(value) for key, value in node.items()}
