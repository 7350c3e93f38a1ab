"""A worker of pytest-xdist: it plans ahead the items that it received, and leaves a Ctrl-C to the controller."""

import signal
import threading
from collections.abc import Callable, Generator, Iterable

import pytest

from pytest_refork.item_outcome import cell_key
from pytest_refork.signals import GENTLE
from pytest_refork.xdist.worker_channel import Shared


class Worker:
    """Hooks of a worker. ``plan`` forks the cases of items and plans their first trials."""

    def __init__(self, shared: Shared, plan: Callable[[Iterable[pytest.Item]], None]) -> None:
        self._shared = shared
        self._plan = plan
        self._cases: dict[str, str] = {}
        self._had: set[str] = set()

    def pytest_sessionstart(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, *GENTLE):
                signal.signal(number, self._interrupted)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        # Out here, importing the application is not on the clock of pytest-timeout.
        if not self._shared.is_stopped:
            self._plan(self._ahead(item, nextitem))
        return (yield)

    def _ahead(self, item: pytest.Item, nextitem: pytest.Item | None) -> list[pytest.Item]:
        """Return the items that this worker will certainly run: with an item of a case all others, if they are kept
        together.
        """
        known = [item] if nextitem is None else [item, nextitem]
        new = set(cases_of(known).values()) - self._had
        if not new or not self._shared.is_saved_together:
            return known
        self._had |= new
        self._cases = self._cases or cases_of(item.session.items)
        same = (each for each in item.session.items if self._cases.get(each.nodeid) in new)
        return list(dict.fromkeys([*known, *same]))

    def _interrupted(self, _number: int, _frame: object) -> None:
        """Handle Ctrl-C. It reaches the workers, too, but the controller decides; workers react only to the second
        one.
        """
        if self._shared.was_stopped_before:
            raise KeyboardInterrupt


def cases_of(items: Iterable[pytest.Item]) -> dict[str, str]:
    """Return the case of each item of agent evals, by node id."""
    return {
        item.nodeid: str(item.stash[cell_key].measured_case.case.folder)
        for item in items
        if cell_key in item.stash
    }
