"""Measures how deeply a value is nested, because foreign data may be deeper than any JSON writer supports."""

from typing import Any, Final

DEEPEST: Final = 60
"""Levels of an answer that are stored. A checkpoint and a line of ``answers.jsonl`` add some around it."""


def is_nested_too_deeply(value: Any, levels: int = DEEPEST) -> bool:
    """Return whether lists and objects in ``value`` are nested more than ``levels`` deep."""
    layer = [value]
    for _ in range(levels + 1):
        layer = [each for held in layer for each in _held_in(held)]
        if not layer:
            return False
    return True


def _held_in(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else []
