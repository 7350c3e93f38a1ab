"""Finds the arguments of DBOS's own functions, for code that DBOS calls with fewer of them."""

import sys
from collections.abc import Iterator
from typing import Any


def locals_of_callers(module: str, *, depth: int) -> Iterator[dict[str, Any]]:
    """Yield the local variables of the functions of ``module`` among the ``depth`` callers, the nearest first."""
    frame = sys._getframe(2)  # the generator, and who asks, are none of them
    for _ in range(depth):
        if frame is None:
            return
        if frame.f_globals.get("__name__") == module:
            yield frame.f_locals
        frame = frame.f_back  # type: ignore[assignment]
