"""Retries a call until it is answered or another attempt is pointless."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from threading import Lock
from typing import Any, TypeVar

from refork.fork.attempts.bounded import Ended, within
from refork.fork.attempts.problems import is_account_problem
from refork.fork.attempts.retry_policy import Retries, until_next
from refork.records.outcome import TrialError

_Result = TypeVar("_Result")


class Account:
    """Remembers keys and quotas that cannot be used, so that a session tries each once. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._refused: dict[str, TrialError] = {}

    def refused(self, name: str) -> TrialError | None:
        """Return the error with which an account was refused; None if it was not. ``name`` identifies the account."""
        return self._refused.get(name)

    def refuse(self, name: str, error: TrialError) -> None:
        """Remember the error with which an account was refused. The first one counts."""
        with self._lock:
            self._refused.setdefault(name, error)


async def attempted(
    make: Callable[[], Coroutine[Any, Any, _Result]], *, retries: Retries, seconds: float
) -> Ended[_Result]:
    """Make a call, and retry it after temporary failures, within ``seconds`` in all.

    Waits as long as the server requests. Does not retry if the account cannot be used.
    """
    until = time.monotonic() + seconds
    attempt = 0
    while True:
        attempt += 1
        ended = await within(until - time.monotonic(), make())
        if ended.error is None or is_account_problem(ended.error):
            return ended
        wait = until_next(attempt, retries, ended.error)
        if wait is None or time.monotonic() + wait >= until:
            return ended
        await asyncio.sleep(wait)
