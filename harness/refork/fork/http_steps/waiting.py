"""When a request to a model that failed is made again: by the session's attempts, not by the client's."""

import math
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from refork.errors import ModelCallError
from refork.fork.retries import Retries, is_transient
from refork.http_calls.wire import Received

LONGEST: Final = 120.0
"""Seconds that a server may ask to wait for."""
_UNREACHED: Final = frozenset(
    {
        "ClientConnectionError",  # aiohttp
        "ServerTimeoutError",
        "HTTPException",  # http.client
        "TransportError",  # httpx
        "HTTPError",  # urllib3
    }
)


def until_next(attempt: int, retries: Retries, answer: Received | Exception) -> float | None:
    """Seconds from a failed attempt, counted from 1, to the next one. None where there is none."""
    if attempt >= retries.attempts or not _worth_another(answer):
        return None
    asked = _retry_after(answer) if isinstance(answer, Received) else None
    if asked is not None and asked > LONGEST:
        return None
    backoff: float = retries.first_wait * 2.0 ** (attempt - 1)
    return backoff if asked is None else max(asked, 0.0)


def _worth_another(answer: Received | Exception) -> bool:
    if isinstance(answer, Received):
        return not answer.ok and is_transient(_AttemptError(answer.status))
    names = {kind.__name__ for kind in type(answer).__mro__}
    return isinstance(answer, OSError) or is_transient(answer) or bool(names & _UNREACHED)


class _AttemptError(ModelCallError):
    final = False

    def __init__(self, status: int) -> None:
        super().__init__("", status_code=status)


def _retry_after(answer: Received) -> float | None:
    """What the server asks for, in seconds or as a date."""
    milliseconds, asked = answer.header("retry-after-ms"), answer.header("retry-after")
    with suppress(TypeError, ValueError):
        return _finite(float(milliseconds or "") / 1000)
    with suppress(TypeError, ValueError):
        return _finite(float(asked or ""))
    with suppress(TypeError, ValueError):
        moment = parsedate_to_datetime(asked or "")
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (aware - datetime.now(UTC)).total_seconds()
    return None


def _finite(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) else None
