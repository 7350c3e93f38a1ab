"""Reads the parameters of scorers from a file, and reports wrong ones in a sentence with the key path."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from refork_evals.scorers.evidence import nearest, one_line, quote


class Params(BaseModel):
    """Base of every mapping of parameters.

    ``short_form`` is the parameter that a bare value sets. With ``always_short``, a mapping sets that parameter, too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    short_form: ClassVar[str | None] = None
    always_short: ClassVar[bool] = False

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        if isinstance(value, cls):
            return value
        if cls._is_short(value):
            return cls._from_short_form(value)
        accepted = cls.accepted()
        for key in value:
            if key not in accepted:
                raise invalid(f"unknown key {key!r}; {nearest(str(key), accepted)}", key)
        return value

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Parse the parameters as written in a file. Raises ValidationError with key paths of that file."""
        return cls.as_written(value, cls.model_validate)

    @classmethod
    def as_written(cls, value: Any, validate: Callable[[Any], Self]) -> Self:
        """Return ``validate(value)``, with key paths that lack the name that a short form leaves out."""
        try:
            return validate(value)
        except ValidationError as error:
            loc = first_error(error)["loc"]
            if cls._is_short(value) and loc[:1] == (cls._written(cls.short_form),):
                loc = loc[1:]
            raise invalid(sentence(first_error(error)), *loc) from None

    @classmethod
    def _is_short(cls, value: Any) -> bool:
        return cls.always_short or not isinstance(value, Mapping | cls)

    @classmethod
    def _written(cls, name: str | None) -> str | None:
        field = cls.model_fields.get(name or "")
        return name if field is None else field.alias or name

    @classmethod
    def accepted(cls) -> tuple[str, ...]:
        """Return the keys as they are written in a file."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())

    @classmethod
    def _from_short_form(cls, value: Any) -> Any:
        if cls.short_form is None:
            raise invalid(
                f"is {quote(value)}, but a mapping is needed; accepted: {', '.join(cls.accepted())}"
            )
        return {cls._written(cls.short_form): value}


def invalid(message: str, *loc: Any) -> ValidationError:
    """Return an error about a value at ``loc`` below the place that is being validated; pydantic adds the rest."""
    error = PydanticCustomError("refork", "{message}", {"message": message})
    keys = tuple(key if isinstance(key, int | str) else str(key) for key in loc)
    return ValidationError.from_exception_data("refork", [InitErrorDetails(type=error, loc=keys, input=None)])


def below(error: ValidationError, *loc: int | str) -> ValidationError:
    """Return the first of the errors, as one at ``loc``."""
    first = first_error(error)
    return invalid(sentence(first), *loc, *first["loc"])


def first_error(error: ValidationError) -> ErrorDetails:
    return error.errors(include_url=False)[0]


def sentence(error: ErrorDetails) -> str:
    """Describe what is wrong with the value at the error's key path, and quote it."""
    message = one_line(error["msg"])
    if error["type"] == "refork":
        return message
    if error["type"] == "missing":
        return "is missing"
    if error["type"] == "value_error":
        return message.removeprefix("Value error, ")
    found = "" if ", not " in message else f", not {quote(error['input'])}"
    return f"{message[:1].lower()}{message[1:]}{found}"


def key_path(loc: Sequence[int | str]) -> str:
    """Format a path: ``("expect", 2, "number")`` -> ``expect[2].number``."""
    path = "".join(f"[{key}]" if isinstance(key, int) else f".{one_line(key, 60)}" for key in loc)
    return path.removeprefix(".")
