"""Turns the recorded runs and tails of ``results.json`` back into the values that a report shows.

The file holds of most outputs only the first line, so a step's output is that line; nothing in a report shows more.
"""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from refork.records import Case, RecordedError, Run, Step, StepKind

from refork_reports.results_file.schema import CaseEntry, ErrorEntry, RunEntry, StepEntry, TrajectoryEntry


def rebuilt_case(entry: CaseEntry) -> Case:
    """Return the case, whose folder is unknown: nothing is read from it."""
    return Case(
        name=entry.name,
        folder=Path(),
        run=_run(entry.run),
        step=entry.step,
        agent=entry.agent,
        scope=entry.scope,
        guard=entry.guard,
        expect=tuple(entry.expect),
        description=entry.description,
    )


def rebuilt_trajectory(entries: Sequence[TrajectoryEntry]) -> tuple[Step, ...]:
    return tuple(_tail_step(entry) for entry in entries)


def _run(entry: RunEntry) -> Run:
    steps = tuple(map(_step, entry.steps))
    starts = [entry.created_at, *(step.started_at for step in steps)]
    start = min((each for each in starts if each is not None), default=None)
    took = entry.seconds
    return Run(
        id=entry.id,
        workflow=entry.workflow,
        status=entry.status,
        framework=entry.framework,
        created_at=entry.created_at,
        completed_at=None if start is None or took is None else start + timedelta(seconds=took),
        error=_error(entry.error),
        steps=steps,
    )


def _step(entry: StepEntry) -> Step:
    start, took = entry.started_at, entry.seconds
    return Step(
        number=entry.number,
        name=entry.name,
        kind=entry.kind,
        agent=entry.agent,
        tool=entry.tool,
        model=entry.model,
        arguments=entry.arguments,
        output=_output(entry.turn, entry.output),
        error=_error(entry.error),
        started_at=start,
        completed_at=None if start is None or took is None else start + timedelta(seconds=took),
        usage=entry.usage,
        answer=entry.answer,
        user=entry.user,
    )


def _tail_step(entry: TrajectoryEntry) -> Step:
    kind = StepKind(entry.kind)
    is_model = kind is StepKind.MODEL
    return Step(
        number=entry.number,
        name=entry.operation or entry.name,
        kind=kind,
        agent=entry.name if is_model else None,
        tool=entry.tool or (entry.name if kind is StepKind.TOOL else None),
        arguments=entry.arguments,
        output=None if entry.error else _output(entry.turn, entry.said),
        error=_error(entry.error),
        answer=entry.answer,
        user=entry.user,
    )


def _output(turn: object, line: str) -> object:
    return (line or None) if turn is None else turn


def _error(entry: ErrorEntry | None) -> RecordedError | None:
    return None if entry is None else RecordedError(type=entry.type, message=entry.message)
