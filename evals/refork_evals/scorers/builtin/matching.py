"""Compares expected values by value, by a scorer, or field by field, for tool_called and json_path."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, cast, runtime_checkable

from pydantic import PlainValidator, ValidationError, WithJsonSchema

from refork_evals.scorers.builtin.base import Checks, Source, ValueScorer
from refork_evals.scorers.evidence import is_list, is_object, json_equal, quote
from refork_evals.scorers.parameters import below, invalid
from refork_evals.scorers.registry import BUILT_IN, parse_scorer


@runtime_checkable
class Expected(Protocol):
    """The expected value that an actual value is compared with."""

    def mismatch(self, value: Any) -> str | None:
        """Explain why ``value`` is not what was expected; None if it is."""
        ...


@dataclass(frozen=True, kw_only=True)
class ByValue:
    value: Any

    def mismatch(self, value: Any) -> str | None:
        return None if json_equal(value, self.value) else f"is {quote(value)}, not {quote(self.value)}"


@dataclass(frozen=True, kw_only=True)
class ByScorer:
    scorer: Checks

    def mismatch(self, value: Any) -> str | None:
        finding = self.scorer.check(value)
        return None if finding.passed else finding.reason


@dataclass(frozen=True, kw_only=True)
class ByField:
    """An object with at least these keys."""

    fields: Mapping[str, Expected]

    def mismatch(self, value: Any) -> str | None:
        if not is_object(value):
            return f"is {quote(value)}, not an object with {', '.join(map(repr, self.fields)) or 'any keys'}"
        for key, expected in self.fields.items():
            if key not in value:
                return f"has no {key!r}: {quote(value)}"
            if (why := expected.mismatch(value[key])) is not None:
                return f"{key} {why}"
        return None


@dataclass(frozen=True, kw_only=True)
class ByItem:
    """A list of as many items, in this order."""

    items: Sequence[Expected]

    def mismatch(self, value: Any) -> str | None:
        if not is_list(value) or len(value) != len(self.items):
            return f"is {quote(value)}, not a list of {len(self.items)}"
        for index, (expected, item) in enumerate(zip(self.items, value, strict=True)):
            if (why := expected.mismatch(item)) is not None:
                return f"[{index}] {why}"
        return None


def parse_expected(value: Any) -> Expected:
    """Parse an expected value: ``{contains: x}`` is a scorer, any other object is compared field by field, all else
    by value.
    """
    if is_object(value):
        return _scorer(value) if _names_a_scorer(value) else parse_fields(value)
    if is_list(value):
        return ByItem(items=tuple(_below(item, index) for index, item in enumerate(value)))
    return ByValue(value=value)


def parse_fields(value: Any) -> ByField:
    """Parse an object that is compared field by field, whatever its keys are."""
    if not is_object(value):
        raise invalid(f"is {quote(value)}, but a mapping of names to values is needed")
    return ByField(fields={str(key): _below(item, str(key)) for key, item in value.items()})


def _below(value: Any, key: int | str) -> Expected:
    try:
        return parse_expected(value)
    except ValidationError as error:
        raise below(error, key) from None


def _names_a_scorer(fields: Mapping[Any, Any]) -> bool:
    return len(fields) == 1 and issubclass(BUILT_IN.get(next(iter(fields)), object), Checks)


def _scorer(fields: Mapping[Any, Any]) -> Expected:
    scorer = parse_scorer(fields)
    why = unfit(scorer)
    if why is not None:
        raise invalid(why, str(next(iter(fields))))
    return ByScorer(scorer=cast("Checks", scorer))


def unfit(scorer: object) -> str | None:
    """Explain why a scorer cannot compare a single value; None if it can."""
    if isinstance(scorer, ValueScorer) and scorer.source != Source(part="text"):
        return "has 'from', which means nothing here: the value is given"
    if not isinstance(scorer, Checks):
        return f"holds {getattr(scorer, 'name', scorer)!r}, which scores whole answers and no single value"
    parts = cast("tuple[object, ...]", getattr(scorer, "parts", ()))
    return next((why for why in map(unfit, parts) if why is not None), None)


AnyExpected = Annotated[Expected | None, PlainValidator(parse_expected), WithJsonSchema({})]
"""A parameter that is a value, a scorer, or an object or list of them."""

Arguments = Annotated[ByField, PlainValidator(parse_fields), WithJsonSchema({"type": "object"})]
"""A parameter that is an object of named values or scorers."""
