"""Distributes tests like pytest-xdist, but keeps the items of a case on one worker. Imported only if xdist is used."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import pytest
from xdist.scheduler import LoadScheduling, WorkStealingScheduling


def takes_cases_apart(scheduler: object) -> bool:
    """Return whether xdist distributes single tests, which would split a case. Other ways, and those of other plugins,
    were chosen on purpose.
    """
    return type(scheduler) in (LoadScheduling, WorkStealingScheduling)


class CaseScheduling(LoadScheduling):  # type: ignore[misc]
    """Sends the items that ``--dist load`` would send and, with an item of a case, all other items of that case.

    After collection, ``cases`` maps each item's node id to its case. Other items are distributed as usual.
    """

    def __init__(self, config: pytest.Config, log: Any, cases: Callable[[], Mapping[str, str]]) -> None:
        super().__init__(config, log)
        self._cases_of_items = cases

    def _send_tests(self, node: Any, num: int) -> None:
        first = set(self.pending[:num])
        cases = {case for index in first if (case := self._case(index)) is not None}
        chosen = [index for index in self.pending if index in first or self._case(index) in cases]
        also = set(chosen)
        self.pending[:] = chosen + [index for index in self.pending if index not in also]
        super()._send_tests(node, len(chosen))

    def _case(self, index: int) -> str | None:
        return self._cases.get((self.collection or [])[index])

    @cached_property
    def _cases(self) -> Mapping[str, str]:
        return self._cases_of_items()
