"""Decides when a failed request to a model is retried: by the session, not by the client."""

from typing import Final

from refork.errors import ModelCallError
from refork.fork.attempts.problems import is_account_problem
from refork.fork.attempts.retry_policy import Retries, is_transient, wait_for
from refork.fork.http_steps.asking import said_by
from refork.http_calls.wire import Received

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
    """Return the seconds to wait after failed attempt number ``attempt`` (from 1); None if there is no next one."""
    if attempt >= retries.attempts or not _worth_another(answer):
        return None
    return wait_for(attempt, retries, answer.header if isinstance(answer, Received) else _no_header)


def _worth_another(answer: Received | Exception) -> bool:
    if isinstance(answer, Received):
        message, body = said_by(answer)
        failed = _AttemptError(message, status_code=answer.status, body=body)
        return not answer.ok and is_transient(failed) and not is_account_problem(failed)
    names = {kind.__name__ for kind in type(answer).__mro__}
    return isinstance(answer, OSError) or is_transient(answer) or bool(names & _UNREACHED)


class _AttemptError(ModelCallError):
    final = False


def _no_header(_name: str) -> None:
    return None
