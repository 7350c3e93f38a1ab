"""Collects ``case.yaml`` as a test file: an item for ``current`` and one for each candidate."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from refork.errors import ReforkError
from refork_evals.evaluation.measured_case import MeasuredCase
from refork_evals.results import CaseResult

from pytest_refork._pytest_compat import TerminalRepr
from pytest_refork.item_outcome import NotPassedError, Outcomes, RequestedCell, cell_key, raise_unless_passed
from pytest_refork.option_names import MARKER

Measure = Callable[[RequestedCell], CaseResult]


class CaseFileCollector(pytest.File):
    """A case file. ``read`` returns the measured case, and ``measure`` waits for an item's result."""

    def __init__(
        self, *, read: Callable[[Path], MeasuredCase], measure: Measure, outcomes: Outcomes, **rest: Any
    ) -> None:
        super().__init__(**rest)
        self._read = read
        self._measure = measure
        self._outcomes = outcomes

    def collect(self) -> Iterator[pytest.Item]:
        try:
            measured_case = self._read(self.path)
        except ReforkError as error:
            raise self.CollectError(str(error)) from None
        for variant in measured_case.variants:
            requested = RequestedCell(measured_case=measured_case, variant=variant.name)
            yield CaseItem.from_parent(
                self, name=variant.name, requested=requested, measure=self._measure, outcomes=self._outcomes
            )


class CaseItem(pytest.Item):
    """A case under one variant."""

    def __init__(
        self, *, requested: RequestedCell, measure: Measure, outcomes: Outcomes, **rest: Any
    ) -> None:
        super().__init__(**rest)
        self._requested = requested
        self._measure = measure
        self._outcomes = outcomes
        self.stash[cell_key] = requested
        self.add_marker(MARKER)

    def runtest(self) -> None:
        result = self._measure(self._requested)
        cell = result.cell(self._requested.variant)
        assert cell is not None, "what was asked for is in the result"
        raise_unless_passed(self, result, cell, self._outcomes)

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None
    ) -> str | TerminalRepr:
        """Return our own words if there are any, without a traceback, which takes longer to make than a trial."""
        if isinstance(excinfo.value, NotPassedError):
            return excinfo.value.text
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"{self._requested.measured_case.name} under {self._requested.variant}"
