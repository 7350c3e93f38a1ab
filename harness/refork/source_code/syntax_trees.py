"""Parses source code, from any thread."""

import ast
from threading import Lock
from typing import Final

_LOCK: Final = Lock()
_ATTEMPTS: Final = 5


def parsed(source: str | bytes) -> ast.Module:
    """Return ``ast.parse`` of the source, and raise its errors.

    Python 3.11 counts the depth of a tree for all threads together, and raises SystemError where it miscounts.
    """
    with _LOCK:
        for _ in range(_ATTEMPTS - 1):
            try:
                return ast.parse(source)
            except SystemError:  # somebody else's thread was at it, too
                continue
        return ast.parse(source)
