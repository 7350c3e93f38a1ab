"""Works with pytest-timeout: an item that waits too long for its answers fails with a sentence, and the session
continues.
"""

import time
from typing import Any, Final, NoReturn

import pytest

from pytest_refork.item_outcome import cell_key

LATER: Final = 10.0
"""Seconds after which pytest-timeout itself ends a test that does not wait for answers but hangs.

Its way with ``method: thread`` is to end the whole process, with every answer that was paid for.
"""


class Deadlines:
    """Hooks of pytest-timeout. Without it no item has a deadline."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._ends_at: float | None = None

    @property
    def is_over(self) -> bool:
        """True if the running item has used up its time."""
        return self._ends_at is not None and time.monotonic() >= self._ends_at

    def fail(self) -> NoReturn:
        """Fail the running item."""
        self._ends_at = None
        pytest.fail(
            f"timeout: no decision within {self._seconds:g} s, the limit of pytest-timeout; what was measured by the "
            "end of the session is in the report",
            pytrace=False,
        )

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> object:
        if cell_key not in item.stash or self._ends_at is not None:
            return None
        self._seconds = settings.timeout
        self._ends_at = time.monotonic() + settings.timeout
        later = settings._replace(timeout=settings.timeout + LATER)
        return item.ihook.pytest_timeout_set_timer(item=item, settings=later)

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_timeout_cancel_timer(self) -> None:
        self._ends_at = None
