"""Marks the steps of a run that matter: where it broke, and what wrote."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from refork.case_capture.failures import broken_step
from refork.records import Run, Step
from refork.tool_policy import ToolPolicy
from refork.tool_policy.writing_steps import writing_steps
from refork_evals.scan.one_run import BrokenAt

BROKEN: Final = "✗"
WRITES: Final = "✎"


@dataclass(frozen=True, kw_only=True)
class StepMarks:
    """The numbers of marked steps. ``reasons`` are what is expected and broken, each with its step if it is known."""

    broken: frozenset[int] = frozenset()
    writes: frozenset[int] = frozenset()
    reasons: tuple[tuple[int | None, str], ...] = ()

    @property
    def numbers(self) -> frozenset[int]:
        return self.broken | self.writes

    def of(self, step: Step) -> str:
        """Return the marks of a step, as the terminal shows them."""
        broken = BROKEN if step.number in self.broken else ""
        return broken + (WRITES if step.number in self.writes else "")

    def uses(self, mark: str) -> bool:
        return bool(self.broken if mark == BROKEN else self.writes)


def step_marks(run: Run, policy: ToolPolicy, broken: Sequence[BrokenAt] = ()) -> StepMarks:
    """Return the marks of ``run``: the step whose error ended it, and the first at which an expectation is broken."""
    failed = broken_step(run)
    numbers = {each.step for each in broken if each.step is not None}
    return StepMarks(
        broken=frozenset(numbers | (set() if failed is None else {failed.number})),
        writes=writing_steps(run, policy),
        reasons=tuple((each.step, _said(each)) for each in broken),
    )


def _said(broken: BrokenAt) -> str:
    return f"{broken.what}: {broken.reason}" if broken.reason else broken.what
