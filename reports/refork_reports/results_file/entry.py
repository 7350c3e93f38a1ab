"""The entries of ``results.json``. Their fields say where in the computed values they come from.

An entry is read in two ways. From a computed value, such as :class:`refork_evals.results.Cell`, a field takes what
``Of`` names, or else the attribute of the same name. From the file, it takes its key. If the file contains a computed
value unchanged, the field is ``Plain[...]`` of its class, so no class repeats another.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, ClassVar, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from refork_evals.portable import portable

_Value = TypeVar("_Value")
_Read: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True)
class Of:
    """The source of a field's value: the path of an attribute, or a function of the computed value."""

    source: str | _Read

    def __post_init__(self) -> None:
        if not isinstance(self.source, str) and not callable(self.source):
            # A class body evaluates `field: Annotated[..., Of(function)] = Field(...)` from right to left.
            raise TypeError(
                f"{self.source!r} is neither a path nor a function: a field that has a default hides the function of "
                "its own name; name the function otherwise"
            )

    @property
    def read(self) -> _Read:
        return attrgetter(self.source) if isinstance(self.source, str) else self.source


@dataclass(frozen=True)
class FrameColumn:
    """A column of the frames that shows a field of the file.

    ``dtype`` is a name that pandas knows, or an enumeration whose values become the categories. ``name`` is the field's
    by default. ``of`` computes from the field's value what is shown, and is not called for None; by default the value
    itself is shown.
    """

    dtype: str | type[Enum]
    name: str = ""
    of: _Read | None = None

    def value(self, value: Any) -> Any:
        """Return the value for the frame: money as a number, so that frames can add it up, and text as in the file."""
        shown = value if value is None or self.of is None else self.of(value)
        if isinstance(shown, Decimal):
            return float(shown)
        # Arrow, which pandas uses where it is installed, takes no lone surrogates.
        return portable(shown) if type(shown) is str else shown


def _fields(value: Any) -> Any:
    """Return a computed value, and those inside it, in the form that is read from a file."""
    if is_dataclass(value):
        return {field.name: _fields(getattr(value, field.name)) for field in fields(value)}
    return [_fields(each) for each in value] if isinstance(value, tuple) else value


Plain: TypeAlias = Annotated[_Value, BeforeValidator(lambda value: portable(_fields(value)))]
"""A computed value that the file contains unchanged, field by field."""


class Entry(BaseModel):
    """An object of the file: unknown keys are refused, numbers are finite, nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    inside: ClassVar[str] = ""
    """The attribute of the computed value in which fields are looked up that the value itself does not have."""

    @model_validator(mode="before")
    @classmethod
    def _of_computed(cls, value: Any) -> Any:
        if value is None or isinstance(value, dict | list | str | int | float):
            return value  # of a file, where pydantic refuses all but the first
        found = {name: read(value) for name, read in cls.sources().items()}
        return {name: each if isinstance(each, float) else portable(each) for name, each in found.items()}

    @classmethod
    @cache
    def sources(cls) -> Mapping[str, _Read]:
        """Return how each field is read from a computed value."""
        found = {name: _marks(info.metadata, Of) for name, info in cls.model_fields.items()}
        return {
            name: marks[0].read if marks else _attribute(name, cls.inside) for name, marks in found.items()
        }

    @classmethod
    @cache
    def columns(cls) -> Mapping[str, tuple[str, FrameColumn]]:
        """Return each column that a field declares, by its name, with the name of the field."""
        return {
            column.name or name: (name, column)
            for name, info in cls.model_fields.items()
            for column in _marks(info.metadata, FrameColumn)
        }

    @classmethod
    def field_of(cls, value: object, name: str) -> Any:
        """Return a field of a computed value, or of an entry that was read from a file."""
        return getattr(value, name) if isinstance(value, cls) else cls.sources()[name](value)


def _marks(metadata: list[Any], kind: type[_Value]) -> list[_Value]:
    return [each for each in metadata if isinstance(each, kind)]


def _attribute(name: str, inside: str) -> _Read:
    def read(value: Any) -> Any:
        return (
            getattr(value, name)
            if hasattr(value, name) or not inside
            else getattr(getattr(value, inside), name)
        )

    return read
