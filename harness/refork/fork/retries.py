"""Which failures of a model call are worth another attempt, and how they are spaced: DBOS's own step retries."""

from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True)
class Retries:
    """``attempts`` in all, ``first_wait`` seconds after the first, twice as long after each that follows."""

    attempts: int = 6
    first_wait: float = 1.0

    def step_options(self) -> dict[str, Any]:
        return {
            "retries_allowed": self.attempts > 1,
            "max_attempts": self.attempts,
            "interval_seconds": self.first_wait,
            "backoff_rate": 2.0,
            "should_retry": is_transient,
        }


def is_transient(error: BaseException) -> bool:
    """Rate limits, server errors, time-outs and dropped connections. A refusal or a bad request is not."""
    if getattr(error, "final", False):  # it was tried often enough where it was sent
        return False
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return status in TRANSIENT_STATUS or status >= 500
    if isinstance(error, TimeoutError | ConnectionError):
        return True
    return any(kind.__name__ in TRANSIENT_NAMES for kind in type(error).__mro__)


def last_error(error: BaseException) -> BaseException:
    """What the last attempt of a step ended with."""
    attempts: list[BaseException] = getattr(error, "errors", [])  # of DBOSMaxStepRetriesExceeded
    return attempts[-1] if attempts else error
