"""Decides which failures of a model call are retried, and how long to wait before that."""

import math
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

TRANSIENT_STATUS: Final = frozenset({408, 409, 425, 429})
TRANSIENT_NAMES: Final = frozenset(
    {
        "APIConnectionError",
        "APITimeoutError",
        "ConnectError",
        "ReadError",
        "RemoteProtocolError",
        "ReadTimeout",
    }
)
"""Connection errors of the OpenAI and Anthropic clients and of their HTTP library, by class name: none of
them need be installed here."""
LONGEST_WAIT: Final = 120.0
"""The longest wait, in seconds, that a server may request."""


_DURATION: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")


@dataclass(frozen=True, kw_only=True)
class Retries:
    """The attempts at a call: ``attempts`` in all, with ``first_wait`` seconds after the first failure.

    The wait doubles with each further failure.
    """

    attempts: int = 6
    first_wait: float = 1.0


def until_next(attempt: int, retries: Retries, error: BaseException) -> float | None:
    """Return the seconds to wait after failed attempt number ``attempt`` (from 1); None if there is no next one."""
    if attempt >= retries.attempts or not is_transient(error):
        return None
    return wait_for(attempt, retries, _headers(error))


def wait_for(attempt: int, retries: Retries, header: Callable[[str], str | None]) -> float | None:
    """Return the seconds to wait after a failed attempt: what the server requests, or twice as long each time.

    Returns None if the server requests more than :data:`LONGEST_WAIT`. ``header`` returns a header of the response.
    """
    requested = retry_after(header)
    if requested is None:
        return retries.first_wait * float(2 ** (attempt - 1))
    return max(requested, 0.0) if requested <= LONGEST_WAIT else None


def retry_after(header: Callable[[str], str | None]) -> float | None:
    """Return the wait that ``retry-after-ms`` or ``Retry-After`` (seconds, or a date) request, in seconds from
    now.
    """
    with suppress(TypeError, ValueError):
        return _finite(float(header("retry-after-ms") or "") / 1000)
    value = header("retry-after") or ""
    with suppress(TypeError, ValueError):
        return _finite(float(value))
    with suppress(TypeError, ValueError, OverflowError):
        moment = parsedate_to_datetime(value)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (aware - datetime.now(UTC)).total_seconds()
    return _of_limits(header)


def _of_limits(header: Callable[[str], str | None]) -> float | None:
    """Return the wait in ``x-ratelimit-reset-requests`` and ``-tokens``, such as ``6m0s``, for limits that are
    used up.
    """
    waits = [
        _duration(header(f"x-ratelimit-reset-{what}") or "")
        for what in ("requests", "tokens")
        if header(f"x-ratelimit-remaining-{what}") in ("0", "0.0")
    ]
    return max((wait for wait in waits if wait is not None), default=None)


def _duration(text: str) -> float | None:
    found = _DURATION.fullmatch(text.strip())
    if found is None or not text.strip():
        return None
    hours, minutes, seconds, millis = (float(each or 0) for each in found.groups())
    return 3600 * hours + 60 * minutes + seconds + millis / 1000


def _finite(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) else None


def _headers(error: BaseException) -> Callable[[str], str | None]:
    """Return a function that reads the headers of an exception's response, as openai, anthropic and httpx store it."""
    found: Any = getattr(getattr(error, "response", None), "headers", None)

    def header(name: str) -> str | None:
        try:
            value = found.get(name)
        except Exception:  # no headers, or none of a kind that is known
            return None
        return value if isinstance(value, str) else None

    return header


def is_transient(error: BaseException) -> bool:
    """Return whether another attempt may succeed, as after rate limits, server errors and dropped connections."""
    if getattr(error, "final", False):  # the sender has made its attempts already
        return False
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return is_unanswered(status)
    if isinstance(error, TimeoutError | ConnectionError):
        return True
    return any(kind.__name__ in TRANSIENT_NAMES for kind in type(error).__mro__)


def is_unanswered(status: int | None) -> bool:
    """Return whether a status means that the server did not answer this time; 0 means that it was not reached."""
    return status is not None and (status in TRANSIENT_STATUS or status >= 500 or status == 0)
