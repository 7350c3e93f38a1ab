"""The scorer that validates JSON by a schema."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from refork_evals.scorers.builtin.base import Finding, ValueScorer
from refork_evals.scorers.evidence import is_list, is_object, one_line, parse_json, quote
from refork_evals.scorers.time_limits import TimedPattern


def _checked(schema: dict[str, Any]) -> dict[str, Any]:
    from jsonschema import SchemaError  # noqa: PLC0415 - 100 ms that only a case with this scorer pays

    try:
        _validator(schema).check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"is not a JSON Schema: {one_line(error.message)} at {error.json_path}") from None
    for reference in _references(schema):
        _check_reference(schema, reference)
    return schema


def _validator(schema: Mapping[str, Any]) -> Any:
    """Return a validator of the schema's own draft that fetches nothing, whatever the schema refers to."""
    from jsonschema import Draft202012Validator, validators  # noqa: PLC0415 - as above
    from referencing import Registry  # noqa: PLC0415 - as above

    registry: Any = Registry()
    draft: Any = validators.validator_for(schema, default=Draft202012Validator)
    extend: Any = validators.extend
    timed = extend(draft, {"pattern": _pattern, "patternProperties": _pattern_properties})
    return timed(schema, registry=registry)


def _pattern(validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[Any]:
    """Validate the keyword as jsonschema does, but with a time limit."""
    from jsonschema import ValidationError  # noqa: PLC0415 - as above

    if validator.is_type(instance, "string") and TimedPattern(pattern).search(instance) is None:
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    if not validator.is_type(instance, "object"):
        return
    for pattern, subschema in patterns.items():
        timed = TimedPattern(pattern)
        for key, value in instance.items():
            if timed.search(key) is not None:
                yield from validator.descend(value, subschema, path=key, schema_path=pattern)


def _references(node: Any) -> Iterator[str]:
    if is_object(node):
        for key, value in node.items():
            if key in ("$ref", "$dynamicRef") and isinstance(value, str):
                yield value
            yield from _references(value)
    elif is_list(node):
        for item in node:
            yield from _references(item)


def _check_reference(schema: dict[str, Any], reference: str) -> None:
    from referencing.exceptions import Unresolvable  # noqa: PLC0415 - as above

    if not reference.startswith("#"):
        raise ValueError(f"refers to {reference!r}; nothing is fetched, so only '#/...' is accepted")
    try:
        _validator(schema)._resolver.lookup(reference)
    except Unresolvable:
        raise ValueError(f"refers to {reference!r}, which is not in the schema") from None


class JsonSchema(ValueScorer):
    """The value, or the JSON in the text, is valid under a JSON Schema."""

    kind: ClassVar[str] = "json_schema"
    slow: ClassVar[bool] = True

    rules: Annotated[dict[str, Any], AfterValidator(_checked)] = Field(
        alias="schema", description="A JSON Schema, of draft 2020-12 unless its $schema names another."
    )

    def check(self, value: Any) -> Finding:
        try:
            found = parse_json(value)
        except ValueError as error:
            return Finding(passed=False, reason=str(error))
        from jsonschema.exceptions import best_match  # noqa: PLC0415 - as above

        worst = best_match(_validator(self.rules).iter_errors(found))
        if worst is None:
            return Finding(passed=True, reason=f"is valid: {quote(found)}")
        return Finding(passed=False, reason=f"{worst.json_path}: {one_line(worst.message, 200)}")
