"""Turns rows of DBOS's tables into a recorded run, with what a framework knows about the steps."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from refork import values
from refork.dbos.reader.recordings import Problem, Recording
from refork.dbos.reader.values import (
    Unreadable,
    as_json,
    as_the_workflow_takes_them,
    read_error,
    read_input,
    read_value,
    reading_values,
    roles,
)
from refork.errors import ValueNotPortableError
from refork.frameworks.plain_dbos.adapter import DBOS_PREFIX
from refork.frameworks.plain_dbos.adapter import NAME as PLAIN
from refork.frameworks.protocol import Description, Framework, RawStep
from refork.frameworks.registry import installed
from refork.records import RecordedError, Run, Step, StepKind
from refork.records.usage import Usage, total_usage


@dataclass(frozen=True)
class StepRow:
    """A row of ``operation_outputs``, with its columns in the order of the SELECT."""

    function_id: int
    function_name: str
    output: str | None
    error: str | None
    child_workflow_id: str | None
    started_at_epoch_ms: int | None
    completed_at_epoch_ms: int | None
    serialization: str | None


@dataclass(frozen=True, kw_only=True)
class _DecodedRow:
    """A row with its values."""

    row: StepRow
    output: object
    error: RecordedError | None
    raised: BaseException | None

    @property
    def raw(self) -> RawStep:
        return RawStep(
            number=self.row.function_id,
            name=self.row.function_name,
            output=self.output,
            error=self.raised,
        )


def decode_head(status: Any, step_names: Sequence[str]) -> Recording:
    """Return a run without its steps, from its row in ``workflow_status`` joined with its payload."""
    framework = framework_of(step_names)
    problems: list[Problem] = []
    args, kwargs = _arguments(status, problems)
    output, _ = as_json(read_value(status.output, status.serialization))
    error = None if status.error is None else read_error(status.error, status.serialization)[0]
    run = Run(
        id=status.workflow_uuid,
        workflow=status.name or "",
        status=status.status or "",
        class_name=status.class_name,
        config_name=status.config_name,
        application_name=status.application_name,
        application_version=status.application_version,
        authenticated_user=status.authenticated_user,
        authenticated_roles=roles(status.authenticated_roles),
        assumed_role=status.assumed_role,
        created_at=at(status.created_at),
        completed_at=at(status.completed_at),
        args=args,
        kwargs=kwargs,
        output=output,
        error=error,
        framework=None if framework is None else framework.name,
    )
    return Recording(run=run, problems=tuple(problems))


def decode_steps(
    rows: Iterable[StepRow], step_names: Sequence[str], children: Mapping[str, Any] | None = None
) -> Iterator[tuple[Step, Problem | None]]:
    """Yield the steps of a run one by one, each with the reason why its output could not be read or written, if
    any.

    ``children`` are the rows with the inputs of child workflows, by their ids.
    """
    framework = framework_of(step_names)
    asking: list[RawStep] = []
    for row in rows:
        read = _read(row)
        # What a step is depends on no more than the answer that asked for it.
        description = Description() if framework is None else framework.describe([*asking, read.raw])[-1]
        if description.kind is StepKind.MODEL:
            asking = [read.raw]
        step, problem = _step(read, description)
        child = (children or {}).get(row.child_workflow_id or "") if starts_child(row) else None
        if child is not None:
            step = replace(step, arguments=_started_with(child))
        yield step, problem


def starts_child(row: StepRow) -> bool:
    """Return whether a step started or enqueued another workflow."""
    return row.child_workflow_id is not None and not row.function_name.startswith(DBOS_PREFIX)


def _started_with(row: Any) -> Any:
    """Return the encoded arguments of a child workflow; None if they cannot be read or written."""
    found = read_input(row.inputs, row.serialization)
    if isinstance(found, Unreadable):
        return None
    try:
        return values.encode({"args": list(found[0]), "kwargs": dict(found[1])})
    except ValueNotPortableError:
        return None


def usages(
    names: Mapping[str, Sequence[tuple[int, str]]],
    outputs: Callable[[str, Sequence[int]], Iterable[Any]],
) -> Mapping[str, Usage]:
    """Return the tokens of each run whose steps a framework recognises.

    ``names`` maps a run's id to its steps' numbers and names. Only model steps are read by ``outputs``.
    """
    found: dict[str, Usage] = {}
    for run_id, steps in names.items():
        framework = framework_of([name for _, name in steps])
        if framework is not None and framework.name != PLAIN:  # its model steps have no name of their own
            found[run_id] = _usage(framework, steps, partial(outputs, run_id))
    return found


def framework_of(step_names: Sequence[str]) -> Framework | None:
    """Return the framework that made a run with steps of these names, and register its types."""
    framework = next((known for known in installed() if known.recognises(step_names)), None)
    if framework is not None:
        framework.register(values.DEFAULT)
    return framework


def model_steps(step_names: Sequence[str]) -> frozenset[int]:
    """Return the indices of the steps of a run that called a model, by their names alone."""
    framework = framework_of(step_names)
    if framework is None:
        return frozenset()
    raw = [RawStep(number=number, name=name) for number, name in enumerate(step_names)]
    described = zip(raw, framework.describe(raw), strict=True)
    return frozenset(step.number for step, description in described if description.kind is StepKind.MODEL)


def _usage(
    framework: Framework, steps: Sequence[tuple[int, str]], outputs: Callable[[Sequence[int]], Iterable[Any]]
) -> Usage:
    raw = [RawStep(number=number, name=name) for number, name in steps]
    described = zip(raw, framework.describe(raw), strict=True)
    numbers = [step.number for step, description in described if description.kind is StepKind.MODEL]
    with reading_values():
        rows = outputs(numbers) if numbers else ()
        read = {row.function_id: read_value(row.output, row.serialization) for row in rows}
    complete = [RawStep(number=s.number, name=s.name, output=read.get(s.number)) for s in raw]
    return total_usage(description.usage for description in framework.describe(complete))


def _read(row: StepRow) -> _DecodedRow:
    error, raised = (None, None) if row.error is None else read_error(row.error, row.serialization)
    output = None if error is not None else read_value(row.output, row.serialization)
    return _DecodedRow(row=row, output=output, error=error, raised=raised)


def _step(read: _DecodedRow, description: Description) -> tuple[Step, Problem | None]:
    row = read.row
    output, said = as_json(read.output)
    problem = None
    if said is not None:
        message = f"step {row.function_id} ({row.function_name!r}): its output {said.problem}"
        problem = Problem(step=row.function_id, message=message, types=said.types)
    step = Step(
        number=row.function_id,
        name=row.function_name,
        kind=description.kind,
        agent=description.agent,
        tool=description.tool,
        model=description.model,
        output=output,
        error=read.error,
        child_run=row.child_workflow_id,
        started_at=at(row.started_at_epoch_ms),
        completed_at=at(row.completed_at_epoch_ms),
        usage=description.usage,
        answer=description.answer,
    )
    return step, problem


def _arguments(status: Any, problems: list[Problem]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    found = read_input(status.inputs, status.serialization)
    if isinstance(found, Unreadable):
        problems.append(Problem(step=None, message=f"the run's input {found.problem}"))
        return (), {}
    args, kwargs = as_the_workflow_takes_them(status.name or "", found, status.serialization)

    def encoded(name: str, value: object) -> Any:
        json, problem = as_json(value)
        if problem is not None:
            message = f"the run's argument {name} {problem.problem}"
            problems.append(Problem(step=None, message=message, types=problem.types))
        return json

    return (
        tuple(encoded(str(index), value) for index, value in enumerate(args)),
        {name: encoded(repr(name), value) for name, value in kwargs.items()},
    )


def at(milliseconds: int | None) -> datetime | None:
    """Convert DBOS's milliseconds since 1970 to a time in UTC."""
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
