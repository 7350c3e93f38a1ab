"""Redacts a whole run: decides which of its texts are searched, and which steer it and remain."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from refork.records import Answer, RecordedError, Request, Run, Step, Tool
from refork.redaction import Redactor, Where


def scan_run(redactor: Redactor, run: Run) -> None:
    """Learn the secrets in a run's input, output and error. Its steps are scanned one by one."""
    redactor.protect([run.workflow, run.id, run.class_name, run.config_name, run.application_name])
    # A keyword argument may be called what its value is: a password.
    redactor.scan([[*run.args], run.kwargs, run.output, _error_texts(run.error), run.authenticated_user])


def scan_step(redactor: Redactor, step: Step) -> None:
    answer = step.answer
    calls = answer.tool_calls if answer is not None else ()
    tools = step.request.tools if step.request is not None else ()
    redactor.protect(
        [step.name, step.tool, step.agent, step.model, step.child_run, *(call.name for call in calls)]
    )
    redactor.protect(tool.name for tool in tools)
    redactor.scan([step.arguments, step.output, _error_texts(step.error)])
    if answer is not None:
        scan_answer(redactor, answer)
    if step.request is not None:
        scan_request(redactor, step.request)


def scan_answer(redactor: Redactor, answer: Answer) -> None:
    redactor.protect(call.name for call in answer.tool_calls)
    redactor.scan([answer.text, [call.arguments for call in answer.tool_calls], answer.structured])


def scan_request(redactor: Redactor, request: Request) -> None:
    redactor.protect(tool.name for tool in request.tools)
    tools = [[tool.description, tool.parameters] for tool in request.tools]
    redactor.scan([request.prompt, request.input, request.settings, tools, request.output_schema])


def redacted_run(redactor: Redactor, run: Run, *, steps: Iterable[Step] | None = None) -> Run:
    """Return the run, and its steps unless others are given, without secrets."""
    return replace(
        run,
        args=tuple(redactor.apply(value, None) for value in run.args),
        kwargs=redactor.apply_values(run.kwargs, None),
        output=redactor.apply(run.output, None),
        error=_error(redactor, run.error, None),
        authenticated_user=redactor.apply(run.authenticated_user, None),
        steps=tuple(redacted_step(redactor, step) for step in run.steps) if steps is None else tuple(steps),
    )


def redacted_step(redactor: Redactor, step: Step) -> Step:
    at = step.number
    return replace(
        step,
        arguments=_arguments(redactor, step.arguments, at),
        output=redactor.apply(step.output, at),
        error=_error(redactor, step.error, at),
        answer=None if step.answer is None else redacted_answer(redactor, step.answer, at),
        request=None if step.request is None else redacted_request(redactor, step.request, at),
    )


def _arguments(redactor: Redactor, arguments: Any, at: Where) -> Any:
    if isinstance(arguments, dict):
        return redactor.apply_values(arguments, at)
    return redactor.apply(arguments, at)


def _error_texts(error: RecordedError | None) -> Any:
    return None if error is None else [error.message, error.value]


def _error(redactor: Redactor, error: RecordedError | None, at: Where) -> RecordedError | None:
    if error is None:
        return None
    return replace(error, message=redactor.apply(error.message, at), value=redactor.apply(error.value, at))


def redacted_answer(redactor: Redactor, answer: Answer, at: Where) -> Answer:
    calls = tuple(replace(call, arguments=redactor.apply(call.arguments, at)) for call in answer.tool_calls)
    return replace(
        answer,
        text=redactor.apply(answer.text, at),
        tool_calls=calls,
        structured=redactor.apply(answer.structured, at),
    )


def redacted_request(redactor: Redactor, request: Request, at: Where) -> Request:
    return replace(
        request,
        prompt=redactor.apply(request.prompt, at),
        input=redactor.apply(request.input, at),
        settings=redactor.apply_values(request.settings, at),
        tools=tuple(_tool(redactor, tool, at) for tool in request.tools),
        output_schema=redactor.apply(request.output_schema, at),
    )


def _tool(redactor: Redactor, tool: Tool, at: Where) -> Tool:
    return replace(
        tool,
        description=redactor.apply(tool.description, at),
        parameters=redactor.apply_values(tool.parameters, at),
    )
