"""Encodes values of the classes that the application registers, depending on the kind of class."""

import dataclasses
import inspect
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum, Flag
from typing import Any, Final, TypeAlias

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.dataclasses import is_pydantic_dataclass

from refork.errors import ValueNotPortableError
from refork.values.types import NotPortable

_IS_CHECKED: Final = ContextVar("refork_is_checked", default=True)

Coder: TypeAlias = Callable[[Any], Any]
Coders: TypeAlias = tuple[Coder, Coder]


@contextmanager
def only_looked_at() -> Generator[None]:
    """Write values inside the block without a check that they can be read back, which takes half of the time."""
    token = _IS_CHECKED.set(False)
    try:
        yield
    finally:
        _IS_CHECKED.reset(token)


def coders(kind: type) -> Coders:
    """Return ``(encode, decode)`` of an Enum, a dataclass, a pydantic model or a NamedTuple.

    Raises ValueNotPortableError for any other class, since only its author knows what must be stored.
    """
    if issubclass(kind, Enum):
        return _enum(kind)
    if issubclass(kind, BaseModel) or is_pydantic_dataclass(kind):
        return pydantic_coders(kind)
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind)
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return _named_tuple(kind)
    raise ValueNotPortableError(
        f"{kind.__qualname__!r} is not an Enum, dataclass, pydantic model or NamedTuple: "
        "give register() both encode= and decode="
    )


def pydantic_coders(kind: Any, *, exactly: bool = True) -> Coders:
    """Return ``(encode, decode)`` of any type that pydantic can validate, which need not be a pydantic class.

    Without ``exactly``, the type's own validation may return a newer form of a value than the one that was
    written. The set of fields that were set is stored: otherwise a library that sends
    ``model_dump(exclude_unset=True)`` of a value would send something else after it was read back.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def encode(value: Any) -> Any:
        for only_set in (True, False):
            try:
                data = adapter.dump_python(
                    value, mode="json", by_alias=True, exclude_unset=only_set, warnings=False
                )
                if (
                    not _IS_CHECKED.get()
                    or adapter.validate_python(data) == value
                    or not (exactly or only_set)
                ):
                    return data
            except (ValueError, TypeError):
                continue
        raise NotPortable(
            "does not come back the same from pydantic's JSON; register it with encode= and decode="
        )

    def decode(data: Any) -> Any:
        try:
            return adapter.validate_python(data)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(map(str, found["loc"]))
            raise ValueError(f"{where}: {found['msg']}" if where else found["msg"]) from error

    return encode, decode


def _enum(kind: type[Enum]) -> Coders:
    if issubclass(kind, Flag):
        return (lambda flag: flag.value), kind
    return (lambda member: member.name), kind.__getitem__


def _dataclass(kind: Any) -> Coders:
    own = dataclasses.fields(kind)
    given = [field.name for field in own if field.init]
    late = [field.name for field in own if not field.init]
    lost = [name for name in inspect.signature(kind).parameters if name not in given]
    if lost:
        raise ValueNotPortableError(
            f"the dataclass {kind.__qualname__!r} does not keep its argument {lost[0]!r}: "
            "give register() both encode= and decode="
        )

    def encode(value: Any) -> dict[str, Any]:
        return {field.name: getattr(value, field.name) for field in own if hasattr(value, field.name)}

    def decode(data: Any) -> Any:
        unknown = set(data) - {*given, *late}
        if unknown:
            raise ValueError(f"it has no field {min(unknown)!r}")
        value = kind(**{name: data[name] for name in given if name in data})
        for name in late:
            if name in data:
                object.__setattr__(value, name, data[name])  # a frozen dataclass refuses setattr
        return value

    return encode, decode


def _named_tuple(kind: Any) -> Coders:
    def encode(value: Any) -> dict[str, Any]:
        return dict(zip(kind._fields, tuple(value), strict=True))

    return encode, lambda data: kind(**data)
