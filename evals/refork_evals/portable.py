"""Makes values that a model wrote fit JSON and UTF-8: this form is written, and digests are computed from it."""

import json
import math
from typing import Any, Final

_DEEPEST: Final = 100


def portable(value: Any, depth: int = 0) -> Any:
    """Return ``value`` with everything spelled out that JSON or UTF-8 cannot hold: NaN, lone surrogates, bottomless
    nesting.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict | list | tuple) and depth > _DEEPEST:
        return portable(_as_text(value))
    if isinstance(value, dict):
        return {portable(str(key)): portable(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [portable(item, depth + 1) for item in value]
    return value


def _as_text(value: Any) -> str:
    try:
        return json.dumps(value, default=str)
    except (RecursionError, ValueError):
        return "nested too deeply to be shown"
