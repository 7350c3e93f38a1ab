"""Limits the time of patterns, paths and schemas of a case file, because text of a model can make them hang.

A pattern runs in an engine that can be interrupted; Python's own cannot. Everything else that a built-in scorer
does is waited for in a thread, and given up.
"""

import contextvars
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

import regex

PATTERN_SECONDS: Final = 2.0
SCORER_SECONDS: Final = 10.0

_Result = TypeVar("_Result")


class TooLongError(Exception):
    """A pattern, path or schema took too long on what a model wrote. The message names it."""


class TimedPattern:
    """A regular expression with the syntax of Python's ``re`` that takes at most :data:`PATTERN_SECONDS` a search."""

    def __init__(self, pattern: str, *, ignore_case: bool = False) -> None:
        self._pattern = pattern
        self._compiled = regex.compile(pattern, regex.IGNORECASE if ignore_case else 0)

    def search(self, text: str) -> "regex.Match[str] | None":
        """Return the first match. Raises TooLongError."""
        found: regex.Match[str] | None = self._timed(self._compiled.search, text)
        return found

    def fullmatch(self, text: str) -> "regex.Match[str] | None":
        """Return the match of the whole text. Raises TooLongError."""
        found: regex.Match[str] | None = self._timed(self._compiled.fullmatch, text)
        return found

    def _timed(self, look: Callable[..., Any], text: str) -> Any:
        try:
            return look(text, timeout=PATTERN_SECONDS)
        except TimeoutError:
            raise TooLongError(
                f"the pattern {self._pattern!r} took longer than {PATTERN_SECONDS:g} s on this answer; "
                "write it without repetitions within repetitions"
            ) from None


def in_time(work: Callable[[], _Result], *, what: str, seconds: float = SCORER_SECONDS) -> _Result:
    """Return the result of ``work``, which is given up after ``seconds``. Raises TooLongError, or what ``work``
    raises.

    ``what`` names it in the error.
    """
    results: list[_Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(run,), name="refork-scorer", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TooLongError(f"{what} took longer than {seconds:g} s on this answer")
    return results[0]
