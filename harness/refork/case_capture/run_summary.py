"""A run without its large values: enough to list its steps and to choose a fork point."""

import json
from dataclasses import replace
from typing import Any, Final

from refork.records import Answer, Run, Step
from refork.values import LEFT_OUT, TAG

SHOWN: Final = 2_000
"""Characters of a value that remain in the outline of a step."""


def outlined(step: Step) -> Step:
    """Return the step with its large values shortened, and without its request."""
    answer = step.answer
    if answer is not None:
        calls = tuple(replace(call, arguments=_shortened(call.arguments)) for call in answer.tool_calls)
        answer = Answer(text=answer.text[:SHOWN], tool_calls=calls)
    # The output of a model step is its answer.
    output = None if answer is not None else _shortened(step.output)
    error = step.error
    if error is not None:
        error = replace(error, message=error.message[:SHOWN], value=None)
    arguments = _shortened(step.arguments)
    return replace(step, arguments=arguments, output=output, answer=answer, error=error, request=None)


def outline(run: Run) -> Run:
    return replace(run, steps=tuple(map(outlined, run.steps)))


def _shortened(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) <= SHOWN:
        return value
    note = f"{text[:SHOWN]}… ({len(text):,} characters)"
    return {TAG: LEFT_OUT, "value": {"characters": len(text), "text": note}}
