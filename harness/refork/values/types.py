"""Encodes Python's own types as plain JSON: one form each, with the tag that :mod:`refork.values` writes."""

import base64
import builtins
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import ModuleType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class NotPortable(ValueError):  # noqa: N818 - never reaches the user: values.py turns it into its own error
    """A value of a known type that has no form in JSON. The message completes "the value ..."."""


class RecordedException(Exception):  # noqa: N818 - named for what it is: an exception on record
    """Represents an exception whose class is not built in, with the class's name and the original message."""

    def __init__(self, type_name: str, message: str) -> None:
        super().__init__(type_name, message)
        self.type_name = type_name
        self.message = message

    def __str__(self) -> str:
        return f"{self.type_name}: {self.message}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecordedException) and self.args == other.args

    def __hash__(self) -> int:
        return hash(self.args)


@dataclass(frozen=True, kw_only=True)
class Form:
    """The written form of values of one type. ``encode`` returns a simpler value, ``decode`` reverses that.

    Both work on values, not on JSON: the result of ``encode`` is itself encoded.
    """

    tag: str
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def builtin_forms() -> dict[type, Form]:
    """Return the form of every type that needs no registration, except plain JSON's own and exceptions."""
    return {
        # Plain dicts never come here: these have keys that are no text, or one that looks like a tag.
        dict: Form(tag="dict", encode=_pairs, decode=lambda pairs: dict(_a(list, pairs))),
        tuple: Form(tag="tuple", encode=list, decode=lambda items: tuple(_a(list, items))),
        set: Form(tag="set", encode=_sorted, decode=lambda items: set(_a(list, items))),
        frozenset: Form(tag="frozenset", encode=_sorted, decode=lambda items: frozenset(_a(list, items))),
        bytes: Form(tag="bytes", encode=_base64, decode=_from_base64),
        bytearray: Form(tag="bytearray", encode=_base64, decode=lambda text: bytearray(_from_base64(text))),
        complex: Form(tag="complex", encode=lambda z: [z.real, z.imag], decode=_complex),
        datetime: Form(tag="datetime", encode=_clock, decode=lambda data: _from_clock(datetime, data)),
        time: Form(tag="time", encode=_clock, decode=lambda data: _from_clock(time, data)),
        date: Form(tag="date", encode=date.isoformat, decode=lambda text: date.fromisoformat(_a(str, text))),
        timedelta: Form(tag="timedelta", encode=_timedelta, decode=_from_timedelta),
        Decimal: Form(tag="decimal", encode=str, decode=lambda text: Decimal(_a(str, text))),
        UUID: Form(tag="uuid", encode=str, decode=lambda text: UUID(_a(str, text))),
        type(Path()): Form(tag="path", encode=str, decode=lambda text: Path(_a(str, text))),
        PurePosixPath: Form(tag="posix_path", encode=str, decode=lambda text: PurePosixPath(_a(str, text))),
        PureWindowsPath: Form(
            tag="windows_path", encode=str, decode=lambda text: PureWindowsPath(_a(str, text))
        ),
    }


def untyped_decoders() -> dict[str, Callable[[Any], Any]]:
    """Return how to read the tags that do not belong to one type: unusual texts and numbers, and exceptions."""
    return {
        "str": _unescaped,
        "int": lambda text: int(_a(str, text), 16),
        "float": _special_float,
        "exception": exception,
        "recorded_exception": recorded_exception,
    }


def exception_form(kind: type[BaseException]) -> Form:
    """Return the form of an exception: its name and arguments if it is built in, otherwise type name and message."""
    if getattr(builtins, kind.__name__, None) is kind:
        return Form(tag="exception", encode=_exception, decode=exception)
    return Form(tag="recorded_exception", encode=recorded, decode=recorded_exception)


def exception(data: Any) -> BaseException:
    """Return the built-in exception of ``{"type": "ValueError", "args": [...]}``."""
    name, args = _a(dict, data)["type"], _a(list, data["args"])
    kind = getattr(builtins, _a(str, name), None)
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        raise TypeError(f"{name!r} is not a built-in exception")
    return kind(*args)


def recorded(error: BaseException) -> dict[str, str]:
    """Return ``error`` as a class's name and a message, for exceptions that cannot be rebuilt."""
    if isinstance(error, RecordedException):
        return {"type": error.type_name, "message": error.message}
    kind = type(error)
    try:
        message = str(error)
    except Exception:  # a user's __str__ may do anything
        message = "(its message cannot be shown)"
    return {"type": f"{kind.__module__}.{kind.__qualname__}", "message": message}


def recorded_exception(data: Any) -> Exception:
    """Return the exception that :func:`recorded` wrote, of its own class if that is already imported.

    So that the application's ``except`` fits. Nothing is imported, and no code of the class runs.
    """
    name, message = _a(str, _a(dict, data)["type"]), _a(str, data["message"])
    kind = _imported_exception(name)
    if kind is None or "args" not in data:
        return RecordedException(name, message)
    builtin: Any = next(base for base in kind.__mro__ if base.__module__ == "builtins")
    try:
        error: Exception = builtin.__new__(kind)
    except TypeError:  # a class of C's own, such as pydantic's ValidationError
        return RecordedException(name, message)
    error.args = tuple(_a(list, data["args"]))
    error.__dict__.update(_a(dict, data.get("state", {})))
    return error


def _imported_exception(name: str) -> type[Exception] | None:
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        found: Any = sys.modules.get(".".join(parts[:length]))
        if found is not None:
            for part in parts[length:]:
                found = vars(found).get(part) if isinstance(found, type | ModuleType) else None
            return found if isinstance(found, type) and issubclass(found, Exception) else None
    return None


def _exception(error: BaseException) -> dict[str, Any]:
    # __reduce__ knows arguments that .args drops, such as the file name of an OSError.
    reduced: Any = error.__reduce__()
    return {"type": type(error).__name__, "args": list(reduced[1])}


def _a(kind: type, value: Any) -> Any:
    """Return ``value``, which must be of exactly ``kind``, because files can contain anything."""
    if type(value) is not kind:
        raise TypeError(f"expected {kind.__name__}, found {type(value).__name__}")
    return value


def _sorted(items: Any) -> list[Any]:
    # A set has no order; one that does not change from run to run keeps diffs small.
    try:
        return sorted(items, key=lambda item: (type(item).__name__, repr(item)))
    except ValueError:  # an integer of more digits than Python shows
        return list(items)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _from_base64(text: Any) -> bytes:
    return base64.b64decode(_a(str, text), validate=True)


def _complex(parts: Any) -> complex:
    real, imag = _a(list, parts)
    return complex(_a(float, real), _a(float, imag))


def _timedelta(value: timedelta) -> list[int]:
    return [value.days, value.seconds, value.microseconds]


def _from_timedelta(parts: Any) -> timedelta:
    days, seconds, microseconds = _a(list, parts)
    return timedelta(_a(int, days), _a(int, seconds), _a(int, microseconds))


def _clock(value: datetime | time) -> Any:
    """Return an ISO text, or a dict of the text, the zone's name and the fold if the text is not enough."""
    zone = value.tzinfo
    text = value.replace(tzinfo=None).isoformat() if isinstance(zone, ZoneInfo) else value.isoformat()
    extra = {
        **({"zone": _zone_name(zone)} if zone is not None else {}),
        **({"fold": 1} if value.fold else {}),
    }
    if zone is None or type(zone) is timezone or _is_utc(zone):
        extra.pop("zone", None)
    return {"at": text, **extra} if extra else text


def _is_utc(zone: tzinfo) -> bool:
    """Return whether a time zone is UTC. DBOS reads dates of its portable JSON with dateutil, whose UTC is another
    class.
    """
    return (type(zone).__module__, type(zone).__qualname__) == ("dateutil.tz.tz", "tzutc")


def _zone_name(zone: tzinfo) -> str | None:
    if type(zone) is timezone or _is_utc(zone):
        return None
    key = zone.key if isinstance(zone, ZoneInfo) else None
    if key is None:
        kind = type(zone)
        raise NotPortable(
            f"has the time zone class {kind.__module__}.{kind.__qualname__}; "
            "use datetime.timezone or a zoneinfo.ZoneInfo with a name"
        )
    return key


def _from_clock(kind: type[datetime] | type[time], data: Any) -> Any:
    if isinstance(data, str):
        return kind.fromisoformat(data)
    value = kind.fromisoformat(_a(dict, data)["at"])
    zone = data.get("zone")
    if zone is not None:
        value = value.replace(tzinfo=_zone(_a(str, zone)))
    return value.replace(fold=_a(int, data.get("fold", 0)))


def _zone(name: str) -> ZoneInfo:
    if not re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", name):
        raise ValueError(f"{name!r} is not a time zone")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(f"this machine knows no time zone {name!r}") from error


def is_text(text: str) -> bool:
    """Return whether ``text`` can be written as UTF-8. Text with half a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def escaped(text: str) -> str:
    """Return ``text`` in ASCII. JSON's own escapes would join two halves of a surrogate pair into one character."""
    return text.encode("unicode_escape", "surrogatepass").decode("ascii")


def _unescaped(text: Any) -> str:
    whole: str = _a(str, text).encode("ascii").decode("unicode_escape", "surrogatepass")
    return whole


def _special_float(text: Any) -> float:
    if text not in {"nan", "inf", "-inf"}:
        raise ValueError(f"{text!r} is not nan, inf or -inf")
    return float(text)


def _pairs(items: dict[Any, Any]) -> list[list[Any]]:
    return [[key, value] for key, value in items.items()]
