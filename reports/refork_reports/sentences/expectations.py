"""Writes an expectation of ``case.yaml`` on one line."""

from collections.abc import Mapping
from typing import Any, Final

from refork.text.lines import one_line
from refork_evals.scorers.evidence import is_list, is_object

_MOST: Final = 60
"""Characters of an expectation that are shown."""


def short(entry: Mapping[str, Any]) -> str:
    """Return an expectation on one line: ``not_contains: {text: increased, ignore_case: true}``."""
    parts = [name if value is None else f"{name}: {_written(value)}" for name, value in entry.items()]
    return one_line(", ".join(parts), _MOST)


def _written(value: Any) -> str:
    if is_object(value):
        return f"{{{', '.join(f'{name}: {_written(each)}' for name, each in value.items())}}}"
    if is_list(value):
        return f"[{', '.join(map(_written, value))}]"
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
