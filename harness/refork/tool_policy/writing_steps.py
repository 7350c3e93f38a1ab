"""Tells which recorded steps wrote something, as far as the project's rules and DBOS's own names say."""

from typing import Final

from refork.records import Run, Step, StepKind
from refork.tool_policy.rules import DBOS_PREFIX, ToolPolicy

_WRITING: Final = frozenset(
    f"{DBOS_PREFIX}{name}"
    for name in (
        "send",
        "send_bulk",
        "cancelWorkflow",
        "resumeWorkflow",
        "forkWorkflow",
        "rewindWorkflow",
        "deleteWorkflow",
        "setWorkflowDelay",
        "updateWorkflowAttributes",
        "createSchedule",
        "deleteSchedule",
        "pauseSchedule",
        "resumeSchedule",
    )
)
"""DBOS's operations that change something outside the run. Its own events and streams are not among them."""


def writing_steps(run: Run, policy: ToolPolicy) -> frozenset[int]:
    """Return the numbers of the steps that are known to write."""
    return frozenset(step.number for step in run.steps if _writes(step, policy))


def _writes(step: Step, policy: ToolPolicy) -> bool:
    if step.kind is StepKind.MODEL:
        return False
    if step.name.startswith(DBOS_PREFIX):
        return step.name in _WRITING
    return policy.writes(step.name) or (step.tool is not None and policy.writes(step.tool))
