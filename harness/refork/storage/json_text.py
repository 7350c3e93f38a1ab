"""Parses JSON strictly: no duplicate keys, no NaN, and one line about whatever is wrong."""

import json
import math
from typing import Any, NoReturn

from refork.errors import BadFileError
from refork.text.lines import one_line


class _RefusedError(ValueError):
    """Something that Python's json accepts and the JSON standard does not."""


def parse_json(text: str, *, path: Any) -> Any:
    """Return the value in ``text``. Raises BadFileError with line and column, if known, for everything else."""
    try:
        return json.loads(
            text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant, parse_float=_finite
        )
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        what = "ends too early" if error.pos >= len(text.rstrip()) else one_line(error.msg)
        raise BadFileError(f"{str(path)!r} is damaged or truncated: {at}: {what}") from error
    except _RefusedError as error:
        raise BadFileError(f"{str(path)!r}: {one_line(str(error))}") from error
    except ValueError as error:
        raise BadFileError(f"{str(path)!r} holds a number of too many digits") from error
    except RecursionError as error:
        raise BadFileError(f"{str(path)!r} is nested too deeply") from error


def dump_json(value: Any) -> str:
    """Return ``value`` as indented JSON with a trailing newline, ready to be written as UTF-8.

    The order of keys is preserved. Raises ValueError, TypeError or RecursionError for a value that is not JSON.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1)
    # Half a surrogate pair becomes the JSON escape that stands for it.
    return text.encode("utf-8", "backslashreplace").decode() + "\n"


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _RefusedError(f"the key {twice!r} stands twice in one object; keep one of them")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise _RefusedError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _RefusedError(f"the number {text[:40]} is too large")
    return number
