"""Quotes evidence in one line: text of a model is quoted, shortened and escaped."""

import json
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final, TypeGuard

EVIDENCE: Final = 120
"""Characters of quoted evidence, because a reason must fit on a line; the whole output is shown next to it."""

LINE: Final = 600
"""Characters of a whole reason, including one from a scorer of the user."""

_FENCE: Final = re.compile(
    r"^[ \t]*```[ \t]*([\w+-]*)[^\n]*\n(.*?)^[ \t]*```[ \t]*$", re.MULTILINE | re.DOTALL
)


def quote(value: object, limit: int = EVIDENCE) -> str:
    """Return ``value`` in quotation marks, as JSON if it is not a string, cut after ``limit`` characters."""
    text = as_text(value)
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")


def quote_around(text: str, start: int, end: int, limit: int = EVIDENCE) -> str:
    """Return the part of ``text`` around ``[start, end)`` in quotation marks, with an ellipsis where it was cut."""
    spare = max(0, limit - (end - start)) // 2
    low, high = max(0, start - spare), min(len(text), start + limit, end + spare)
    return repr(("…" if low else "") + text[low:high] + ("…" if high < len(text) else ""))


def one_line(text: str, limit: int = LINE) -> str:
    """Return ``text`` without line breaks and control characters, cut after ``limit`` characters."""
    cut = text.strip() if len(text) <= limit else text[: limit - 1].strip() + "…"
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in cut)


def as_text(value: object) -> str:
    """Return a text unchanged, and any other JSON value as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)


def fenced(text: str, language: str) -> tuple[str, ...]:
    """Return the fenced code blocks that name ``language``, otherwise those that name none, otherwise all of them."""
    blocks = [(match[1].lower(), match[2]) for match in _FENCE.finditer(text)]
    named = tuple(body for tag, body in blocks if tag == language)
    untagged = tuple(body for tag, body in blocks if not tag)
    return named or untagged or tuple(body for _, body in blocks)


def parse_json(value: Any) -> Any:
    """Parse the JSON in a text, bare or in one fenced block. A value that is not a string is returned unchanged.

    Raises ValueError with a reason that quotes the text.
    """
    if not isinstance(value, str):
        return value
    blocks = fenced(value, "json")
    try:
        return json.loads(blocks[0] if len(blocks) == 1 else value, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        what = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise ValueError(f"is not JSON ({what}): {quote(value)}") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Return whether a value of a JSON or YAML file is an object."""
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Return whether a value of a JSON or YAML file is a list."""
    return isinstance(value, list)


def json_equal(left: Any, right: Any) -> bool:
    """Compare JSON values: 1 equals 1.0, but not true, at any depth."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if is_list(left) and is_list(right):
        return len(left) == len(right) and all(map(json_equal, left, right))
    if is_object(left) and is_object(right):
        return left.keys() == right.keys() and all(json_equal(left[key], right[key]) for key in left)
    return bool(left == right)


def nearest(name: str, known: Iterable[str], word: str = "accepted") -> str:
    """Return the end of an error about an unknown name: the nearest known name, and all known ones."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}{word}: {', '.join(names) or 'none'}"
