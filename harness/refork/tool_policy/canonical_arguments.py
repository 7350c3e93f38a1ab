"""Writes arguments of calls as text that is equal for equal calls."""

import json
import math
from typing import Any

from refork.text.lines import one_line


def canonical(arguments: Any) -> str:
    """Return ``arguments`` as JSON that is equal if the calls are: keys sorted, no spaces, ``1.0`` as ``1``.

    No arguments (None, empty text, an empty object) are ``{}``. Text that is JSON is parsed first, since models
    write arguments in that form; other text is used unchanged. Texts inside are compared by their code points,
    without normalising or trimming: to a tool, ``"é"`` written in two ways is two file names. ``true`` is not 1,
    and lists keep their order. Beyond JSON's depth or types, Python's repr is used.
    """
    if arguments is None or arguments == "":
        return "{}"
    try:
        return _dumped(json.loads(arguments) if isinstance(arguments, str) else arguments)
    except (ValueError, TypeError, RecursionError):
        return arguments if isinstance(arguments, str) else repr(arguments)


def shown(text: str, *, limit: int, unlike: str = "") -> str:
    """Return ``text`` in one line of at most ``limit`` characters, from shortly before its first difference from
    ``unlike``.
    """
    start = 0
    if unlike and len(text) > limit:
        same = next((i for i, (a, b) in enumerate(zip(text, unlike, strict=False)) if a != b), 0)
        start = max(0, same - limit // 3)
    return one_line(("…" if start else "") + text[start : start + 2 * limit], limit)


def _dumped(value: Any) -> str:
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=repr)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value
