"""Formats steps, answers and values in one line, and values as JSON."""

import json

from refork.records import Answer, Step, ToolCall
from refork.text.escape import first_line
from refork.values.shown import untagged


def output_line(step: Step) -> str:
    """Return the first line of a step's result: its error, the model's text or tool calls, or its value."""
    if step.error is not None:
        return first_line(f"{step.error.type}: {step.error.message}")
    if step.answer is not None:
        return answer_line(step.answer)
    if step.output is None:
        return ""
    shown = untagged(step.output)
    return first_line(shown if isinstance(shown, str) else compact(shown))


def answer_line(answer: Answer) -> str:
    """Return the first line of the text, or the tool calls if there is no text."""
    return first_line(answer.text) or first_line(", ".join(call_line(call) for call in answer.tool_calls))


def call_line(call: ToolCall) -> str:
    """Format a call: run_sql({"query": "SELECT 1"})."""
    arguments = call.arguments if isinstance(call.arguments, str) else compact(call.arguments)
    return f"{call.name}({arguments})"


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def pretty(value: object) -> str:
    """Return a value as indented JSON; a string that is not JSON is unchanged."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=str)
