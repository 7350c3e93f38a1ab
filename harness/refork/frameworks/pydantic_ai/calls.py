"""Reads, changes and sends model calls of Pydantic AI, and reads their answers."""

import copy
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from pydantic_core import from_json, to_jsonable_python

from refork.answer_cache.request_keys import digest
from refork.errors import ApplicationError, BadInputError
from refork.frameworks.openai_agents.clients import check_key, check_model_counts
from refork.frameworks.protocol import ModelCall, Reply, StepCall, ToolResult
from refork.http_calls.client_responses import ending_of
from refork.prompts.candidates import render
from refork.prompts.offered_tools import offered_names
from refork.records import Answer, Request, Tool, ToolCall
from refork.records.usage import Usage, checked
from refork.records.variant import Variant
from refork.text.lines import nearest

MODEL_STEPS: Final = ("__model.request", "__model.request_stream")
"""The ends of the names of its model steps. The agent's name is before them."""
_UNSEEN: Final = (
    "native_tools",
    "output_mode",
    "output_object",
    "prompted_output_template",
    "allow_text_output",
    "allow_image_output",
    "thinking",
    "cache",
)


def agent_of(step_name: str) -> str:
    return step_name.rpartition("__")[0]


@dataclass(frozen=True)
class PydanticAICall:
    """A model step that is about to start. ``changes`` replace arguments of it, ``other_model`` its model's name."""

    step: StepCall
    changes: tuple[tuple[str, Any], ...] = ()
    other_model: str | None = None

    @property
    def step_name(self) -> str:
        return self.step.name

    @property
    def runs_in_step(self) -> bool:
        return True

    @property
    def code(self) -> str:
        """A digest of what a request does not show: the model's settings, the provider's tools, the output's mode."""
        given = self._arguments["model_request_parameters"]
        said = {name: getattr(given, name, None) for name in _UNSEEN}
        tools = [tool.strict for tool in (*given.function_tools, *given.output_tools)]
        model = _settings(getattr(_model(self.step), "settings", None))
        return digest([to_jsonable_python(said, fallback=_kind), tools, model])

    @property
    def request(self) -> Request:
        return self._request

    @cached_property
    def _arguments(self) -> dict[str, Any]:
        return self.step.arguments | dict(self.changes)

    @cached_property
    def _request(self) -> Request:
        from pydantic_ai.messages import ModelMessagesTypeAdapter  # noqa: PLC0415 - imported by the application

        given = self._arguments
        parameters = given["model_request_parameters"]
        schema = parameters.output_object
        return Request(
            agent=agent_of(self.step.name),
            model=self.other_model or _model_name(_model(self.step)),
            prompt=_prompt(given["messages"], parameters),
            input=_untimed(ModelMessagesTypeAdapter.dump_python(list(given["messages"]), mode="json")),
            tools=tuple(
                Tool(
                    name=tool.name, description=tool.description or "", parameters=tool.parameters_json_schema
                )
                for tool in (*parameters.function_tools, *parameters.output_tools)
            ),
            settings=_settings(given["model_settings"]),
            output_schema=None if schema is None else schema.json_schema,
        )

    def changed(self, variant: Variant) -> ModelCall:
        changes = dict(self.changes)
        if variant.template is not None:
            prompt = render(variant, baseline=self.request.prompt, request=self.request)
            changes["messages"], changes["model_request_parameters"] = _with_prompt(self._arguments, prompt)
        if variant.settings:
            _check_settings(variant)
            changes["model_settings"] = {**(self._arguments["model_settings"] or {}), **variant.settings}
        if variant.tools is not None:
            parameters = changes.get("model_request_parameters", self._arguments["model_request_parameters"])
            names = offered_names(variant, [tool.name for tool in parameters.function_tools])
            left = [tool for tool in parameters.function_tools if tool.name in names]
            changes["model_request_parameters"] = replace(parameters, function_tools=left)
        return replace(self, changes=tuple(changes.items()), other_model=variant.model or self.other_model)

    async def send(self) -> Reply:
        model, given = _model(self.step), self._arguments
        check_key(getattr(model, "client", None))
        if self.other_model is not None:
            model = _other(model, self.other_model)
        response = await model.request(
            list(given["messages"]), given["model_settings"], given["model_request_parameters"]
        )
        outputs = {tool.name for tool in given["model_request_parameters"].output_tools}
        return Reply(
            answer=answer_of(response, outputs) or Answer(),
            usage=usage_of(response),
            raw=to_jsonable_python(response, fallback=str),
        )


def answer_of(response: Any, outputs: Sequence[str] | set[str] = ("final_result",)) -> Answer | None:
    """Return the answer in a response; None if it is none. A call of one of ``outputs`` is its structured output."""
    if not hasattr(response, "parts"):
        return None
    texts = [part.content for part in response.parts if part.part_kind == "text"]
    calls = tuple(
        ToolCall(name=part.tool_name, arguments=_arguments_of(part.args))
        for part in response.parts
        if part.part_kind == "tool-call"
    )
    structured = next((call.arguments for call in calls if call.name in outputs), None)
    return Answer(
        text="".join(texts),
        tool_calls=calls,
        structured=structured,
        ending=ending_of(getattr(response, "finish_reason", None), empty=not response.parts),
    )


def usage_of(response: Any) -> Usage | None:
    used = getattr(response, "usage", None)
    if used is None:
        return None
    details: Mapping[str, int] = used.details or {}
    return checked(
        calls=1,
        input_tokens=used.input_tokens or 0,
        cached_tokens=used.cache_read_tokens or 0,
        output_tokens=used.output_tokens or 0,
        reasoning_tokens=details.get("reasoning_tokens", 0),
    )


def tool_results(messages: Any) -> list[ToolResult]:
    """Return the tool calls among a request's messages, as JSON, with the result that each has there."""
    calls: dict[str, Any] = {}
    found: list[ToolResult] = []
    for message in messages if isinstance(messages, list) else ():
        parts = message.get("parts") if isinstance(message, dict) else None
        for part in parts if isinstance(parts, list) else ():
            kind, call_id = part.get("part_kind"), part.get("tool_call_id")
            if kind == "tool-call":
                calls[call_id] = _arguments_of(part.get("args"))
            elif kind == "tool-return" and call_id in calls and isinstance(part.get("content"), str):
                name = str(part.get("tool_name"))
                found.append(
                    ToolResult(id=call_id, name=name, arguments=calls[call_id], output=part["content"])
                )
    return found


def _arguments_of(args: Any) -> Any:
    if not isinstance(args, str):
        return args or {}
    try:
        return from_json(args)
    except ValueError:
        return args


def _kind(value: Any) -> str:
    """Return the name of a type, which stands for a value that is not JSON and is the same in every session."""
    return type(value).__qualname__


def _model(step: StepCall) -> Any:
    """Return the model that a step calls: the run's, or the one that the step's function closes over."""
    context = step.arguments.get("run_context")
    model = getattr(context, "model", None)
    if model is None:
        model = inspect.getclosurevars(step.function).nonlocals.get("self")
    while type(model).__module__.startswith("pydantic_ai.durable_exec"):
        model = getattr(model, "wrapped", None)
    if model is None:
        raise ApplicationError(
            f"step {step.name!r} does not show which model it calls: neither its run context nor its function has one; "
            "run the agent with DBOSAgent or DBOSDurability"
        )
    return model


def _model_name(model: Any) -> str | None:
    name = getattr(model, "model_name", None)
    return name if isinstance(name, str) else None


def _other(model: Any, name: str) -> Any:
    """Return a copy of a model that calls another model with the same client. Raises BadInputError."""
    if not hasattr(model, "_model_name"):
        raise BadInputError(
            f"a variant asks for model {name!r}, but {type(model).__name__} has no name to replace; "
            "leave 'model' out of its front matter"
        )
    check_model_counts(getattr(model, "client", None), name)
    other = copy.copy(model)
    other._model_name = name
    return other


def _prompt(messages: Sequence[Any], parameters: Any) -> str | None:
    """Return the instructions as they are sent, or the system prompts of the first message; None without either."""
    if parameters.instruction_parts:
        return "\n\n".join(part.content for part in parameters.instruction_parts)
    instructions = getattr(messages[-1], "instructions", None) if messages else None
    if instructions:
        return str(instructions)
    system = [part.content for part in _system_parts(messages)]
    return "\n\n".join(system) if system else None


def _system_parts(messages: Sequence[Any]) -> list[Any]:
    parts = messages[0].parts if messages else ()
    return [part for part in parts if part.part_kind == "system-prompt"]


def _with_prompt(given: Mapping[str, Any], prompt: str) -> tuple[list[Any], Any]:
    """Return messages and parameters with the prompt in the place of the instructions, or of the system prompt."""
    from pydantic_ai.messages import InstructionPart  # noqa: PLC0415 - imported by the application

    messages, parameters = list(given["messages"]), given["model_request_parameters"]
    system = _system_parts(messages)
    if system and not parameters.instruction_parts and not messages[-1].instructions:
        others = [part for part in messages[0].parts if part not in system]
        messages[0] = replace(messages[0], parts=[replace(system[0], content=prompt), *others])
        return messages, parameters
    messages[-1] = replace(messages[-1], instructions=prompt)
    return messages, replace(parameters, instruction_parts=[InstructionPart(content=prompt)])


def _check_settings(variant: Variant) -> None:
    from pydantic_ai.settings import ModelSettings  # noqa: PLC0415 - imported by the application

    known = set(ModelSettings.__annotations__)
    for name in variant.settings:
        # A provider's own begin with its name, such as openai_reasoning_effort.
        if name not in known and "_" not in name:
            raise BadInputError(f"variant {variant.name!r}: {name!r} is not a setting{nearest(name, known)}")


def _settings(settings: Any) -> dict[str, Any]:
    """Return the settings that are set. The values of headers are left out, because they may contain keys."""
    known = {name: value for name, value in (settings or {}).items() if value is not None}
    if isinstance(known.get("extra_headers"), dict):
        known["extra_headers"] = sorted(known["extra_headers"])
    jsonable: dict[str, Any] = to_jsonable_python(known, fallback=str)
    return jsonable


def _untimed(messages: Any) -> Any:
    """Return messages without what differs from run to run and is not sent, such as timestamps."""
    if isinstance(messages, list):
        return [_untimed(each) for each in messages]
    if isinstance(messages, dict):
        return {key: _untimed(value) for key, value in messages.items() if key not in _NOT_SENT}
    return messages


_NOT_SENT: Final = frozenset({"timestamp", "run_id", "conversation_id"})
