"""Shortens text to a line, checks names, formats key paths, and finds the nearest known name, for errors and
tables.
"""

import difflib
import re
from collections.abc import Iterable
from typing import Final, TypeAlias

Path_: TypeAlias = tuple[int | str, ...]
"""The place of a value in a file: ``("fork", "step")``."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def is_name(text: str) -> bool:
    """Return whether ``text`` can name a case: letters, digits, ``.``, ``_`` and ``-``, and not a path."""
    return _NAME.fullmatch(text) is not None


def is_folder_name(text: str) -> bool:
    """Return whether ``text`` names something inside a folder and is not a path."""
    return bool(text.strip()) and text not in {".", ".."} and not any(c in text for c in "/\\\0\n\r")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'step'?"``, or otherwise ``"; known: ..."``."""
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""


def one_line(text: str, limit: int = 200) -> str:
    """Return ``text`` without line breaks or control characters, cut after ``limit`` characters."""
    plain = " ".join(
        "".join(c if c.isprintable() or c.isspace() else repr(c)[1:-1] for c in text[:1000]).split()
    )
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def key_path(where: Path_) -> str:
    """Format a path: ``fork.step``, ``expect[2].number``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    return one_line("".join(parts).removeprefix("."), 120)
