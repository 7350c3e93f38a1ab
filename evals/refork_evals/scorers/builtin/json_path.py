"""The scorer that finds a part of JSON."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from refork_evals.scorers.builtin.base import Finding, ValueScorer
from refork_evals.scorers.builtin.matching import AnyExpected
from refork_evals.scorers.evidence import one_line, parse_json, quote
from refork_evals.scorers.time_limits import TimedPattern


def _checked(path: str) -> str:
    _compiled(path)
    return path


def _compiled(path: str) -> Any:
    from jsonpath import JSONPathEnvironment, JSONPathError  # noqa: PLC0415 - 100 ms that few cases pay

    environment = JSONPathEnvironment(strict=True)
    for name in ("match", "search"):
        environment.function_extensions[name] = _timed(environment.function_extensions[name])
    try:
        return environment.compile(path)
    except (JSONPathError, RecursionError) as error:
        # Its own rendering points at the place in the query, and breaks where that is at the end.
        reason = one_line(str(error.args[0])) if error.args else type(error).__name__
        raise ValueError(f"is not a JSONPath ({reason}): {quote(path)}") from None


def _timed(function: Any) -> Any:
    """Return a filter function that matches patterns with a time limit."""
    compiled = function.check_cache

    def check_cache(pattern: str) -> TimedPattern | None:
        found = compiled(pattern)
        return None if found is None else TimedPattern(found.pattern)

    function.check_cache = check_cache
    return function


class JsonPath(ValueScorer):
    """A JSONPath finds something in the JSON, or finds what is expected."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    kind: ClassVar[str] = "json_path"
    short_form: ClassVar[str | None] = "path"
    slow: ClassVar[bool] = True

    path: Annotated[str, Field(min_length=1), AfterValidator(_checked)] = Field(
        description="A JSONPath (RFC 9535): $.items[0].total"
    )
    value: AnyExpected = Field(
        default=None,
        description="What must be found: a value, a scorer such as {number: 12}, or an object of them.",
    )
    exists: bool = Field(default=True, description="False: the path must find nothing.")
    occurrence: Literal["any", "all"] = Field(
        default="any",
        description="Whether any value that was found must be the expected one, or all of them.",
    )

    @model_validator(mode="after")
    def _no_value_of_nothing(self) -> "JsonPath":
        if not self.exists and self._has_value:
            raise ValueError("has a value for something that must not exist; keep one of value and exists")
        return self

    @property
    def _has_value(self) -> bool:
        return "value" in self.model_fields_set

    def check(self, value: Any) -> Finding:
        try:
            whole = parse_json(value)
        except ValueError as error:
            hint = "" if self.source.part != "text" or value else "; for typed output say `from: structured`"
            return Finding(passed=False, reason=f"{error}{hint}")
        found: list[Any] = _compiled(self.path).findall(whole) if isinstance(whole, dict | list) else []
        if self._has_value:
            return self._compare(found, whole)
        reason = (
            f"{self.path} is {quote(found[0])}" if found else f"{self.path} finds nothing in {quote(whole)}"
        )
        return Finding(passed=bool(found) == self.exists, reason=reason)

    def _compare(self, found: list[Any], whole: Any) -> Finding:
        assert self.value is not None, "an explicit null is parsed into a comparison too"
        if not found:
            return Finding(passed=False, reason=f"{self.path} finds nothing in {quote(whole)}")
        wrong = [why for why in map(self.value.mismatch, found) if why is not None]
        passed = len(wrong) < len(found) if self.occurrence == "any" else not wrong
        return Finding(passed=passed, reason=f"{self.path} {f'is {quote(found[0])}' if passed else wrong[0]}")
