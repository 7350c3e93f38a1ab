"""Converts the text of a setting, wherever it comes from, by the type of its key."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from refork.config.settings import KEYS, ProjectSettings


@dataclass(frozen=True, kw_only=True)
class Given:
    """A value and, for errors, the place that it came from."""

    value: Any
    source: str


def _types_of(annotation: Any) -> Iterator[type]:
    """Yield the types that a key may have: those of ``list[str] | None`` are ``list`` and ``NoneType``."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _types_of(parts[0])
    elif origin in (Union, UnionType):
        for part in parts:
            yield from _types_of(part)
    else:
        yield from (kind for kind in (origin or annotation,) if isinstance(kind, type))


_TYPES: Final = {
    key: frozenset(_types_of(field.annotation)) for key, field in ProjectSettings.model_fields.items()
}

TEXT_KEYS: Final = frozenset(key for key in KEYS if dict not in _TYPES[key])
"""The keys that a text can hold: all but tables."""


def as_list(key: str, value: Any) -> Any:
    """Return a value as TOML has it: a single name becomes a list of one, and a path becomes a text."""
    if list not in _TYPES[key] or not isinstance(value, str | tuple):
        return str(value) if isinstance(value, Path) else value
    return [value] if isinstance(value, str) else list(value)


def from_text(key: str, text: str) -> Any:
    """Convert ``text`` to the type of ``key``; returns the text itself if a number is needed and it is none."""
    types = _TYPES[key]
    if list in types:
        return [part.strip() for part in text.split(",") if part.strip()]
    if bool in types:
        return {"true": True, "false": False}.get(text.strip().lower(), text)
    for kind in (int, float):
        if kind in types:
            try:
                return kind(text)
            except ValueError:
                return text
    return text
