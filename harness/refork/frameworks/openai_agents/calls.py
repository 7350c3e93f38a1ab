"""Reads, changes and sends model calls of the OpenAI Agents SDK, and reads their answers."""

import copy
import dataclasses
import json
from functools import cached_property
from typing import Any, Final

import dbos_openai_agents.runner as dbos_runner
from agents import FunctionTool, Handoff, Model, ModelResponse, ModelSettings, ModelTracing
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage
from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from refork.answer_cache.request_keys import digest
from refork.errors import BadInputError
from refork.frameworks.openai_agents.clients import check_key, check_model_counts
from refork.frameworks.protocol import ModelCall, Reply, ToolResult
from refork.http_calls.client_responses import ending_of
from refork.prompts.candidates import render
from refork.prompts.offered_tools import offered_names
from refork.records import Answer, Request, Tool, ToolCall
from refork.records.usage import Usage, checked
from refork.records.variant import Variant
from refork.text.lines import nearest

MODEL_STEP: Final[str] = dbos_runner._model_call_step.__qualname__

SETTINGS: Final = frozenset(field.name for field in dataclasses.fields(ModelSettings))
_SECRET: Final = frozenset({"authorization", "headers"})
_responses: Final = TypeAdapter(ModelResponse)


@dataclasses.dataclass(frozen=True)
class OpenAIAgentsCall:
    """A call of ``Model.get_response``. ``arguments`` are by name; ``agent`` is None if the SDK did not name it."""

    model: Model
    arguments: dict[str, Any]
    agent: str | None
    runs_in_step: bool = True

    @property
    def step_name(self) -> str:
        return MODEL_STEP

    @property
    def code(self) -> str:
        """A digest of what a request does not show: the settings of hosted tools, and schemas that are not strict."""
        schema = self.arguments["output_schema"]
        loose = schema is not None and not schema.is_plain_text() and not schema.is_strict_json_schema()
        tools = [*map(_unseen, self.arguments["tools"]), *map(_unseen, self.arguments["handoffs"])]
        return digest([tools, loose]) if loose or any(tools) else ""

    @property
    def request(self) -> Request:
        return self._request

    @cached_property
    def _request(self) -> Request:
        arguments, schema = self.arguments, self.arguments["output_schema"]
        return Request(
            agent=self.agent,
            model=_model_name(self.model),
            prompt=arguments["system_instructions"],
            input=to_jsonable_python(arguments["input"], fallback=str),
            tools=tuple(_tool(tool) for tool in arguments["tools"])
            + tuple(_handoff(handoff) for handoff in arguments["handoffs"]),
            settings=_settings(arguments["model_settings"]) | _server_state(arguments),
            output_schema=None if schema is None or schema.is_plain_text() else schema.json_schema(),
        )

    def changed(self, variant: Variant) -> ModelCall:
        arguments = dict(self.arguments)
        if variant.template is not None:
            arguments["system_instructions"] = render(
                variant, baseline=arguments["system_instructions"], request=self.request
            )
        unknown = set(variant.settings) - SETTINGS
        if unknown:  # the SDK drops them silently
            raise BadInputError(
                f"variant {variant.name!r}: {min(unknown)!r} is not a setting{nearest(min(unknown), SETTINGS)}"
            )
        if variant.settings:
            settings: ModelSettings = arguments["model_settings"]
            arguments["model_settings"] = settings.resolve(ModelSettings(**variant.settings))
        if variant.tools is not None:
            arguments |= self._offering(offered_names(variant, [tool.name for tool in self.request.tools]))
        model = self.model if variant.model is None else _other_model(self.model, variant.model)
        return dataclasses.replace(self, model=model, arguments=arguments)

    def _offering(self, names: frozenset[str]) -> dict[str, Any]:
        """Return the arguments that offer only the tools and handoffs of these names."""
        tools = [tool for tool in self.arguments["tools"] if _tool(tool).name in names]
        handoffs = [handoff for handoff in self.arguments["handoffs"] if handoff.tool_name in names]
        changed: dict[str, Any] = {"tools": tools, "handoffs": handoffs}
        if not names:  # a provider refuses a choice among no tools
            settings = self.arguments["model_settings"]
            changed["model_settings"] = dataclasses.replace(
                settings, tool_choice=None, parallel_tool_calls=None
            )
        return changed

    @property
    def account(self) -> str | None:
        """The URL of the client's server; None if unknown. Calls of one server are taken to share a key."""
        url = getattr(getattr(self.model, "_client", None), "base_url", None)
        return None if url is None else str(url)

    async def send(self) -> Reply:
        check_key(getattr(self.model, "_client", None))
        arguments: dict[str, Any] = {**self.arguments, "tracing": ModelTracing.DISABLED}
        response = await self.model.get_response(**arguments)
        schema = self.arguments["output_schema"]
        return Reply(
            answer=answer_of(response, structured=schema is not None and not schema.is_plain_text()),
            usage=usage_of(response),
            raw=_responses.dump_python(response, mode="json", by_alias=True, exclude_unset=True),
        )


def _tool(tool: Any) -> Tool:
    if isinstance(tool, FunctionTool):
        return Tool(name=tool.name, description=tool.description, parameters=tool.params_json_schema)
    return Tool(name=getattr(tool, "name", type(tool).__name__), description=f"hosted: {type(tool).__name__}")


def _unseen(tool: Any) -> Any:
    """Return what is sent of a tool besides its name and schema; None for an ordinary function tool."""
    if isinstance(tool, FunctionTool | Handoff):
        return None if tool.strict_json_schema else "not strict"
    fields = dataclasses.fields(tool) if dataclasses.is_dataclass(tool) else ()
    said = {field.name: getattr(tool, field.name) for field in fields}
    plain = {name: value for name, value in said.items() if not callable(value)}
    return to_jsonable_python({"type": type(tool).__name__, **_without_secrets(plain)}, fallback=_kind)


def _without_secrets(value: Any) -> Any:
    """Return a value without keys: a renewed key does not change the request, and a digest must not reveal one."""
    if isinstance(value, dict):
        return {name: _without_secrets(each) for name, each in value.items() if name not in _SECRET}
    return value


def _kind(value: Any) -> str:
    """Return the name of a type, which stands for a value that is not JSON and is the same in every session."""
    return type(value).__qualname__


def _handoff(handoff: Any) -> Tool:
    return Tool(
        name=handoff.tool_name,
        description=handoff.tool_description,
        parameters=handoff.input_json_schema or {},
    )


def _settings(settings: ModelSettings) -> dict[str, Any]:
    """Return the settings that are set. The values of headers are left out, because they may contain keys."""
    fields = {f.name: getattr(settings, f.name) for f in dataclasses.fields(settings)}
    known = {name: value for name, value in fields.items() if value is not None and name != "retry"}
    if isinstance(known.get("extra_headers"), dict):
        known["extra_headers"] = sorted(known["extra_headers"])
    jsonable: dict[str, Any] = to_jsonable_python(known, fallback=str)
    return jsonable


def _server_state(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the request's references to state on the model's server, which are sent but are no settings."""
    named = {name: arguments.get(name) for name in ("previous_response_id", "conversation_id", "prompt")}
    found: dict[str, Any] = to_jsonable_python(
        {name: value for name, value in named.items() if value is not None}
    )
    return found


def _model_name(model: Model) -> str | None:
    name = getattr(model, "model", None)
    return name if isinstance(name, str) else None


def _other_model(model: Model, name: str) -> Model:
    """Return a copy of a model that calls another model with the same client. Raises BadInputError."""
    if _model_name(model) is None:
        raise BadInputError(
            f"a variant asks for model {name!r}, but {type(model).__name__} has no name to replace; "
            "leave 'model' out of its front matter"
        )
    check_model_counts(getattr(model, "_client", None), name)
    other: Any = copy.copy(model)
    other.model = name
    return other  # type: ignore[no-any-return]


def tool_results(items: Any) -> list[ToolResult]:
    """Return the calls of function tools among a request's messages, with the result that each has there."""
    calls: dict[str, dict[str, Any]] = {}
    found: list[ToolResult] = []
    for item in items if isinstance(items, list) else ():
        kind, call_id = (item.get("type"), item.get("call_id")) if isinstance(item, dict) else (None, None)
        if kind == "function_call" and isinstance(call_id, str):
            calls[call_id] = item
        elif kind == "function_call_output" and call_id in calls and "output" in item:
            call = calls[call_id]
            arguments, output = json_or_text(call.get("arguments") or ""), _as_returned(item["output"])
            found.append(
                ToolResult(id=call_id, name=str(call.get("name")), arguments=arguments, output=output)
            )
    return found


def _as_returned(output: Any) -> Any:
    """Return a tool's output as its function may return it: requests name texts, images and files differently."""
    if not isinstance(output, list):
        return output
    return [{**part, "type": str(part.get("type")).removeprefix("input_")} for part in output]


def usage_of(response: ModelResponse) -> Usage | None:
    """Return the tokens of a response; None if one of its counts is not a number."""
    usage = response.usage
    return checked(
        calls=usage.requests or 1,
        input_tokens=usage.input_tokens,
        cached_tokens=getattr(usage.input_tokens_details, "cached_tokens", 0),
        output_tokens=usage.output_tokens,
        reasoning_tokens=getattr(usage.output_tokens_details, "reasoning_tokens", 0),
    )


def answer_of(response: ModelResponse, *, structured: bool) -> Answer:
    """Return the answer in a response; ``structured`` says that its text is JSON, by the request's schema."""
    texts: list[str] = []
    calls: list[ToolCall] = []
    refusal = False
    for item in response.output:
        if isinstance(item, ResponseOutputMessage):
            refusal = refusal or any(getattr(part, "refusal", None) for part in item.content)
            texts += [
                str(getattr(part, "text", None) or getattr(part, "refusal", "") or "")
                for part in item.content
            ]
        elif isinstance(item, ResponseFunctionToolCall):
            calls.append(ToolCall(name=str(item.name), arguments=json_or_text(item.arguments)))
    text = "".join(texts)
    parsed = json_or_text(text) if structured else None
    return Answer(
        text=text,
        tool_calls=tuple(calls),
        structured=None if isinstance(parsed, str) else parsed,
        ending=ending_of(None, refusal=refusal, empty=not response.output),
    )


def json_or_text(text: Any) -> Any:
    """Return a model's text as JSON; unchanged if it is not JSON, or not a text."""
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return text
