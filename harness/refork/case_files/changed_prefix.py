"""Changes what a recorded run says before its fork point: results of tools, outputs of steps, messages."""

from dataclasses import replace
from typing import Any

from refork.case_files.changed_messages import with_messages
from refork.errors import BadInputError, ValueNotPortableError
from refork.records import Case, Run, Step, StepKind
from refork.records.variant import Variant
from refork.text.lines import one_line
from refork.values import TAG, decode

_VALUE = "value"


def changed_case(case: Case, variant: Variant) -> Case:
    """Return the case with its run changed as the variant says.

    Needs the application's types, so that it can check that a changed output can be read. Raises BadInputError.
    """
    run = _with_outputs(case, variant, check_readable=True)
    return replace(case, run=with_messages(run, case, variant))


def check_changes(case: Case, variant: Variant) -> None:
    """Raise BadInputError for a change that cannot be made: an unknown step, one that is too late, or not a tool's."""
    with_messages(_with_outputs(case, variant, check_readable=False), case, variant)


def next_model_step(run: Run, after: int) -> Step | None:
    """Return the first model call after a step: where what the step returned can be seen to matter."""
    later = (step for step in run.steps if step.number > after and step.kind is StepKind.MODEL)
    return min(later, key=lambda step: step.number, default=None)


def _with_outputs(case: Case, variant: Variant, *, check_readable: bool) -> Run:
    for number in variant.tool_results:
        _check_tool(case, variant, number)
    both = sorted(set(variant.tool_results) & set(variant.step_outputs))
    if both:
        raise BadInputError(f"variant {variant.name!r} changes step {both[0]} twice; keep one of the two")
    changed = {**variant.tool_results, **variant.step_outputs}
    steps = {number: _checked(case, variant, number) for number in changed}
    outputs = {number: written_like(step.output, changed[number]) for number, step in steps.items()}
    for number, output in outputs.items() if check_readable else ():
        _check_readable(variant, number, output)
    return replace(
        case.run,
        steps=tuple(
            replace(step, output=outputs[step.number], error=None, answer=None)
            if step.number in outputs
            else step
            for step in case.run.steps
        ),
    )


def written_like(recorded: Any, value: Any) -> Any:
    """Return ``value``, plain JSON, with the types that the recorded output has at the same places.

    A dataclass that was recorded as ``{"$type": "app.Rows", "value": {"rows": [1]}}`` is changed by ``{"rows": []}``.
    """
    if isinstance(value, dict) and TAG in value:
        return value
    if isinstance(recorded, dict) and set(recorded) == {TAG, _VALUE}:
        return {TAG: recorded[TAG], _VALUE: written_like(recorded[_VALUE], value)}
    if isinstance(recorded, dict) and isinstance(value, dict):
        return {key: written_like(recorded.get(key), each) for key, each in value.items()}
    if isinstance(recorded, list) and recorded and isinstance(value, list):
        return [written_like(recorded[min(at, len(recorded) - 1)], each) for at, each in enumerate(value)]
    return value


def _checked(case: Case, variant: Variant, number: int) -> Step:
    """The step to change. Raises BadInputError where there is none, or the change could make no difference."""
    step = case.run.step(number)
    if step is None:
        near = sorted(case.run.steps, key=lambda each: abs(each.number - number))[:3]
        known = ", ".join(_named(each) for each in sorted(near, key=lambda each: each.number))
        raise BadInputError(
            f"variant {variant.name!r} changes step {number}, which the run does not have; the nearest are: "
            f"{known or 'none, the run has no steps'}"
        )
    if number >= case.step:
        raise BadInputError(_too_late(case, variant, step))
    if step.child_run is not None:
        raise BadInputError(
            f"variant {variant.name!r} changes step {_named(step)}, which belongs to a child workflow; "
            "change a step of the workflow itself"
        )
    return step


def _too_late(case: Case, variant: Variant, step: Step) -> str:
    at = "the fork point itself" if step.number == case.step else f"after the fork point, step {case.step}"
    said = f"variant {variant.name!r} changes step {_named(step)}, which is {at}, and runs again"
    later = next_model_step(case.run, step.number)
    if later is None:
        return f"{said}; change a step before the fork point"
    return (
        f"{said}; fork at the next model call, step {_named(later)}, or change a step before the fork point"
    )


def _check_tool(case: Case, variant: Variant, number: int) -> None:
    step = case.run.step(number)
    if step is not None and step.kind is not StepKind.TOOL:
        tools = [
            _named(each) for each in case.run.steps if each.kind is StepKind.TOOL and each.number < case.step
        ]
        raise BadInputError(
            f"variant {variant.name!r} has a tool result for step {_named(step)}, which is not a tool's; "
            f"write it under step_outputs (tools before the fork point: {', '.join(tools[:5]) or 'none'})"
        )


def _check_readable(variant: Variant, number: int, output: Any) -> None:
    try:
        decode(output)
    except ValueNotPortableError as error:
        raise BadInputError(
            f"variant {variant.name!r}: the output of step {number} cannot be made of what the variant says: "
            f"{error}; write it with the fields of the recorded output"
        ) from error


def _named(step: Step) -> str:
    return f"{step.number} ({one_line(step.label or step.name, 60)!r})"


__all__ = ["changed_case", "check_changes", "next_model_step", "written_like"]
