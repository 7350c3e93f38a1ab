"""Turns the result of a workflow into an answer for scorers."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic_core import to_jsonable_python

from refork.records import Answer, Step, StepKind, ToolCall
from refork.records.usage import Usage, total_usage


def answer_of(result: Any, calls: Sequence[ToolCall] = ()) -> Answer:
    """Return a workflow's result as an answer: text unchanged, anything else as JSON in ``structured`` and spelled
    out in ``text``.
    """
    plain = to_jsonable_python(result, fallback=str, inf_nan_mode="strings")
    if isinstance(plain, str):
        return Answer(text=plain, tool_calls=tuple(calls))
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True)
    return Answer(text=text, structured=plain, tool_calls=tuple(calls))


def calls_of(steps: Sequence[Step]) -> tuple[ToolCall, ...]:
    """Return the tool calls of a tail, in the order in which the models requested them.

    Calls that were requested before the fork point and made after it, as when the fork point is a tool step, come
    first.
    """
    first = next((place for place, step in enumerate(steps) if step.kind is StepKind.MODEL), len(steps))
    before = [
        ToolCall(name=step.tool, arguments=step.arguments) for step in steps[:first] if step.tool is not None
    ]
    after = [call for step in steps if step.answer is not None for call in step.answer.tool_calls]
    return (*before, *after)


def usage_of(steps: Sequence[Step]) -> Usage | None:
    """Return the tokens of a tail; None if the usage of an answered model call is unknown."""
    if any(step.usage is None for step in steps if step.kind is StepKind.MODEL and step.error is None):
        return None
    return total_usage(step.usage for step in steps)
