"""Writes any exception as one line. Nothing that the exception's own code does can break this."""

from typing import Final

from pydantic import ValidationError

from refork.redaction.texts import without_secrets
from refork.text.lines import key_path, one_line

LONGEST: Final = 500
_LONGEST_READ: Final = 20_000
"""Characters of a message that are read, because it may contain a whole response."""
_MOST_FINDINGS: Final = 5


def leaf(error: BaseException) -> BaseException:
    """Return the first exception of a group that is not a group itself."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def name_of(error: BaseException) -> str:
    """Return the name of the exception's class; of the first exception if it is a group."""
    return type(leaf(error)).__name__


def message_of(error: BaseException, limit: int = LONGEST) -> str:
    """Return the exception's message in one line of at most ``limit`` characters, without secrets.

    Empty where it has none, or where asking for it raises.
    """
    text = one_line(without_secrets(text_of(leaf(error))), limit)
    others = _count(error) - 1
    return f"{text} (the first of {others + 1} errors)" if others > 0 else text


def summary(error: BaseException, limit: int = LONGEST) -> str:
    """Return ``ValueError: no such key``, or only the class name if there is no message."""
    message = message_of(error, limit)
    return f"{name_of(error)}: {message}" if message else name_of(error)


def text_of(error: BaseException) -> str:
    """Return the exception's own text, unchanged; empty if reading it raises."""
    try:
        if isinstance(error, ValidationError):
            return _findings(error)
        return str(error)[:_LONGEST_READ]
    except BaseException:  # its own __str__ raises, whatever
        return ""


def _findings(error: ValidationError) -> str:
    """Return each field with its problem, without the values, which may be secret or large."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [_finding(tuple(each["loc"]), each["msg"]) for each in found[:_MOST_FINDINGS]]
    if len(found) > _MOST_FINDINGS:
        lines.append(f"and {len(found) - _MOST_FINDINGS} more")
    return f"{error.title}: {'; '.join(lines)}"


def _finding(where: tuple[int | str, ...], message: str) -> str:
    place = key_path(where)
    return f"{place}: {message}" if place else message


def _count(error: BaseException) -> int:
    if isinstance(error, BaseExceptionGroup):
        return sum(_count(each) for each in error.exceptions)
    return 1
