"""The application's own DBOS serializer, as ``[tool.refork] serializer`` names it."""

import importlib
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

from refork.errors import ApplicationError
from refork.text.lines import one_line


@runtime_checkable
class Reads(Protocol):
    """The part of ``dbos.Serializer`` that reading needs."""

    def name(self) -> str: ...

    def deserialize(self, serialized_data: str, /) -> Any: ...


_targets: list[str] = []


@contextmanager
def custom_serializer(target: str | None) -> Generator[None]:
    """Read with ``module:attribute`` inside the block: a serializer, or a serializer class without arguments.

    It is imported when a value first needs it, so that the application comes after whatever must come first.
    """
    if target is None:
        yield
        return
    _targets.append(target)
    try:
        yield
    finally:
        _targets.remove(target)


def in_use() -> Reads | None:
    """Return the named serializer; None if none is named. Raises ApplicationError."""
    return _imported(_targets[-1]) if _targets else None


@lru_cache(maxsize=8)
def _imported(target: str) -> Reads:
    module, _, attribute = target.partition(":")
    try:
        found: Any = getattr(importlib.import_module(module), attribute)
        found = found() if isinstance(found, type) else found
    except Exception as error:
        raise ApplicationError(
            f"[tool.refork] serializer = {target!r} cannot be used: {type(error).__name__}: {one_line(str(error))}"
        ) from error
    if not isinstance(found, Reads):
        raise ApplicationError(
            f"[tool.refork] serializer = {target!r} is not a dbos.Serializer: it needs the methods name and deserialize"
        )
    return found
