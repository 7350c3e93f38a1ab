"""Formats a step: as a line of the timeline, or with everything that is known about it."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import click

from refork.cli._output.tables import TableColumn, print_table
from refork.cli._output.text import duration, first_line, one_line, printable, tokens
from refork.records import Answer, RecordedError, Request, Run, Step, StepKind
from refork.records.usage import Usage
from refork.values.shown import untagged

COLUMNS: Final = (
    TableColumn(title="#", right=True),
    TableColumn(title="kind"),
    TableColumn(title="agent or tool", flexible=True),
    TableColumn(title="time", right=True),
    TableColumn(title="tokens", right=True),
    TableColumn(title="output", flexible=True),
)


def print_timeline(run: Run) -> None:
    """Print a table of the run's steps."""
    print_table(COLUMNS, [step_cells(step) for step in run.steps])


def print_header(run: Run) -> None:
    """Print two or three lines about the whole run."""
    usage = run.usage
    click.echo(f"{one_line(run.id)}  {one_line(run.workflow)}  {one_line(run.status)}")
    started = "" if run.created_at is None else run.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    facts = [started, duration(run.seconds), f"{tokens(usage.total_tokens)} tokens" if usage.calls else ""]
    click.echo("  ".join(fact for fact in facts if fact))
    if run.error is not None:
        click.echo(printable(_error(run.error)))


def print_step(step: Step) -> None:
    """Print everything that is known about one step."""
    click.echo("\n".join(printable(line) for line in _details(step)))


def step_cells(step: Step) -> tuple[str, ...]:
    """Return the cells of a step, one for each of ``COLUMNS``."""
    used = None if step.usage is None else step.usage.total_tokens
    return (
        str(step.number),
        str(step.kind),
        step.label or ("" if step.kind is StepKind.MODEL else step.name),
        duration(step.seconds),
        "" if used is None else tokens(used),
        summary(step),
    )


def summary(step: Step) -> str:
    """Return the first line of a step's result."""
    if step.error is not None:
        return first_line(_error(step.error))
    if step.answer is not None:
        text, calls = first_line(step.answer.text or ""), first_line(", ".join(calls_of(step.answer)))
        return "  ".join(filter(None, [text, calls]))
    if step.child_run is not None and step.output is None:
        return first_line(f"started run {step.child_run}")
    return first_line(_text(step.output))


def _details(step: Step) -> Iterator[str]:
    yield f"step {step.number}  {step.kind}  {one_line(step.name)}"
    facts = {
        "agent": step.agent,
        "tool": step.tool,
        "model": step.model,
        "child run": step.child_run,
        "time": duration(step.seconds),
        "tokens": None if step.usage is None else _usage(step.usage),
    }
    yield from (f"{name}: {one_line(value)}" for name, value in facts.items() if value)
    if step.request is not None:
        yield from _request(step.request)
    if step.answer is not None:
        yield from _section("answer", _answer(step.answer))
    elif step.error is None:
        yield from _section("output", [_text(step.output)])
    if step.error is not None:
        yield from _section("error", [_error(step.error)])


def _request(request: Request) -> Iterator[str]:
    if request.settings:
        yield f"settings: {_compact(request.settings)}"
    if request.output_schema is not None:
        yield f"output schema: {_compact(request.output_schema)}"
    yield from _section("tools", [_tool(tool.name, tool.description) for tool in request.tools])
    yield from _section("prompt", [request.prompt or ""])
    messages = request.input if isinstance(request.input, list) else [request.input]
    yield from _section("input", [_message(message) for message in messages])


def _section(title: str, texts: Sequence[str]) -> Iterator[str]:
    lines = [line for text in texts for line in text.splitlines()]
    if any(lines):
        yield from ("", title, *(f"  {line}" for line in lines))


def _tool(name: str, description: str) -> str:
    return f"{name}: {one_line(description)}" if description else name


def _message(message: Any) -> str:
    """Return a message as ``role: text``, a tool call or its result in a line, and anything else as JSON."""
    if not isinstance(message, dict):
        return _text(message)
    if message.get("type") == "function_call":
        return f"assistant: → {message.get('name')}({message.get('arguments')})"
    if message.get("type") == "function_call_output" and isinstance(message.get("output"), str):
        return f"tool: {message['output']}"
    text = _content(message.get("content"))
    return _text(message) if text is None else f"{message.get('role', 'message')}: {text}"


def _content(content: Any) -> str | None:
    """Return the text of a message, which may consist of parts; None if it contains more than text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) and content else [None]
    texts = [part.get("text") if isinstance(part, dict) else None for part in parts]
    return "".join(map(str, texts)) if all(isinstance(text, str) for text in texts) else None


def _answer(answer: Answer) -> list[str]:
    return [text for text in (answer.text, *calls_of(answer)) if text]


def calls_of(answer: Answer) -> list[str]:
    """Return the tool calls of an answer, each with its arguments."""
    return [f"→ {call.name}({_text(call.arguments)})" for call in answer.tool_calls]


def _usage(usage: Usage) -> str:
    parts = {
        f"{usage.input_tokens} in": usage.cached_tokens and f" ({usage.cached_tokens} cached)",
        f"{usage.output_tokens} out": usage.reasoning_tokens and f" ({usage.reasoning_tokens} reasoning)",
    }
    return ", ".join(f"{count}{of or ''}" for count, of in parts.items())


def _error(error: RecordedError) -> str:
    return f"{error.type}: {error.message}"


def _text(value: Any) -> str:
    """Return a recorded value as text: a string unchanged, an unreadable value as the reason, everything else as
    JSON.
    """
    shown = untagged(value)
    if isinstance(shown, str):
        return shown
    return "" if shown is None else _compact(shown)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
