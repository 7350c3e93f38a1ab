"""The OpenAI Agents SDK under DBOS: runs made by ``dbos_openai_agents.DBOSRunner``.

A model call is the DBOS step ``_model_call_step``, and its checkpoint is the SDK's ``ModelResponse``. The
request is not recorded: it is seen when the code is about to send it, in ``DBOSModelWrapper.get_response``,
which is called before DBOS looks for a checkpoint.
"""

import asyncio
import copy
import dataclasses
import inspect
import json
import os
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Any, Final
from weakref import WeakKeyDictionary

import agents
import agents.models.openai_provider as sdk_provider
import agents.run_internal.model_retry as sdk_retry
import agents.run_internal.run_loop as sdk_loop
import dbos._dbos as dbos_module
import dbos_openai_agents.runner as dbos_runner
from agents import Agent, FunctionTool, Model, ModelResponse, ModelSettings, RunConfig
from agents.items import TResponseStreamEvent
from agents.models._retry_runtime import provider_managed_retries_disabled
from agents.run_config import CallModelData, ModelInputData
from agents.tracing import get_trace_provider
from dbos._context import get_local_dbos_context
from openai import DefaultAsyncHttpx2Client
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage
from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from refork.case import Answer, Request, StepKind, Tool, ToolCall
from refork.errors import ApplicationError, BadInputError
from refork.frameworks import Description, Hook, ModelCall, RawStep, Reply, Upcoming
from refork.prompt import render
from refork.usage import Usage
from refork.values import Registry
from refork.variant import Variant

MODEL_STEP: Final = dbos_runner._model_call_step.__qualname__
NO_KEY: Final = "refork-has-no-key"
"""Stands in for a missing OPENAI_API_KEY while a prefix is replayed, which calls nobody."""

GATHERING_SECONDS: Final = 0.05
TURN_SECONDS: Final = 0.001

_agent: ContextVar[str | None] = ContextVar("refork_agent", default=None)
_responses: Final = TypeAdapter(ModelResponse)


class OpenAIAgents:
    """:class:`refork.frameworks.Framework` for the OpenAI Agents SDK."""

    name = "openai-agents"

    def recognises(self, step_names: Sequence[str]) -> bool:
        return MODEL_STEP in step_names

    def describe(self, steps: Sequence[RawStep]) -> Sequence[Description]:
        asked: list[str] = []
        described: list[Description] = []
        for step in steps:
            if step.name == MODEL_STEP:
                description = _describe_model_step(step)
                asked = [call.name for call in description.answer.tool_calls] if description.answer else []
            else:
                description = _describe_other_step(step, asked)
            described.append(description)
        return described

    def register(self, registry: Registry) -> None:
        # Keeps which fields were set: the SDK sends a replayed answer's set fields and no others.
        registry.register_pydantic(ModelResponse, name="openai-agents.ModelResponse")

    @contextmanager
    def intercept(self, hook: Hook, upcoming: Upcoming) -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(_replaced(dbos_runner, "Runner", _NamingRunner))
            stack.enter_context(_replaced(sdk_retry, "_await_model_attempt", _await_without_limit))
            stack.enter_context(_replaced(dbos_runner.DBOSModelWrapper, "get_response", _hooked(hook)))
            stack.enter_context(_replaced(sdk_loop, "get_model", _watched(hook)))
            stack.enter_context(_replaced(dbos_runner, "_create_tool_wrapper", _in_turn(upcoming)))
            stack.enter_context(_own_connections())
            stack.enter_context(_placeholder_key())
            stack.enter_context(_no_tracing())
            yield


def _describe_model_step(step: RawStep) -> Description:
    if not isinstance(step.output, ModelResponse):
        return Description(kind=StepKind.MODEL)
    return Description(
        kind=StepKind.MODEL, usage=usage_of(step.output), answer=answer_of(step.output, structured=False)
    )


def _describe_other_step(step: RawStep, asked: list[str]) -> Description:
    """A step after a model's tool calls is that tool's, where the names say so or only one was called."""
    short = step.name.rsplit(".", 1)[-1]
    tool = short if short in asked else asked[0] if len(set(asked)) == 1 else None
    if tool is None or step.name.startswith("DBOS."):
        return Description()
    return Description(kind=StepKind.TOOL, tool=tool)


def usage_of(response: ModelResponse) -> Usage:
    usage = response.usage
    return Usage(
        calls=usage.requests or 1,
        input_tokens=usage.input_tokens,
        cached_tokens=getattr(usage.input_tokens_details, "cached_tokens", 0) or 0,
        output_tokens=usage.output_tokens,
        reasoning_tokens=getattr(usage.output_tokens_details, "reasoning_tokens", 0) or 0,
    )


def answer_of(response: ModelResponse, *, structured: bool) -> Answer:
    """The text, tool calls and, where a JSON schema was asked for, the parsed answer of a response."""
    texts: list[str] = []
    calls: list[ToolCall] = []
    for item in response.output:
        if isinstance(item, ResponseOutputMessage):
            texts += [getattr(part, "text", None) or getattr(part, "refusal", "") for part in item.content]
        elif isinstance(item, ResponseFunctionToolCall):
            calls.append(ToolCall(name=item.name, arguments=_json_or_text(item.arguments)))
    text = "".join(texts)
    parsed = _json_or_text(text) if structured else None
    return Answer(text=text, tool_calls=tuple(calls), structured=None if isinstance(parsed, str) else parsed)


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


@dataclasses.dataclass(frozen=True)
class _Call:
    """A call of ``Model.get_response``, with its arguments by name."""

    model: Model
    arguments: dict[str, Any]
    agent: str | None
    durable: bool = True

    @property
    def step_name(self) -> str:
        return MODEL_STEP

    @cached_property
    def request(self) -> Request:
        arguments, schema = self.arguments, self.arguments["output_schema"]
        plain = schema is None or schema.is_plain_text()
        return Request(
            agent=self.agent,
            model=_model_name(self.model),
            prompt=arguments["system_instructions"],
            input=to_jsonable_python(arguments["input"], fallback=str),
            tools=tuple(_tool(tool) for tool in arguments["tools"])
            + tuple(_handoff(handoff) for handoff in arguments["handoffs"]),
            settings=_settings(arguments["model_settings"]),
            output_schema=None if plain else schema.json_schema(),
        )

    def changed(self, variant: Variant) -> ModelCall:
        arguments = dict(self.arguments)
        if variant.template is not None:
            arguments["system_instructions"] = render(
                variant, baseline=arguments["system_instructions"], request=self.request
            )
        if variant.settings:
            settings: ModelSettings = arguments["model_settings"]
            arguments["model_settings"] = settings.resolve(ModelSettings(**variant.settings))
        model = self.model if variant.model is None else _other_model(self.model, variant.model)
        return dataclasses.replace(self, model=model, arguments=arguments)

    async def send(self) -> Reply:
        _check_key(self.model)
        arguments = self.arguments | {"tracing": agents.ModelTracing.DISABLED}
        # The client's own retries would be neither counted nor spaced by the session's.
        with provider_managed_retries_disabled(True):
            response = await self.model.get_response(**arguments)
        schema = arguments["output_schema"]
        return Reply(
            answer=answer_of(response, structured=schema is not None and not schema.is_plain_text()),
            usage=usage_of(response),
            raw=_responses.dump_python(response, mode="json", by_alias=True, exclude_unset=True),
        )


def _tool(tool: Any) -> Tool:
    if isinstance(tool, FunctionTool):
        return Tool(name=tool.name, description=tool.description, parameters=tool.params_json_schema)
    return Tool(name=getattr(tool, "name", type(tool).__name__), description=f"hosted: {type(tool).__name__}")


def _handoff(handoff: Any) -> Tool:
    return Tool(
        name=handoff.tool_name,
        description=handoff.tool_description,
        parameters=handoff.input_json_schema or {},
    )


def _settings(settings: ModelSettings) -> dict[str, Any]:
    """What was set. Headers may hold keys, so their values are left out."""
    fields = {f.name: getattr(settings, f.name) for f in dataclasses.fields(settings)}
    known = {name: value for name, value in fields.items() if value is not None and name != "retry"}
    if isinstance(known.get("extra_headers"), dict):
        known["extra_headers"] = sorted(known["extra_headers"])
    jsonable: dict[str, Any] = to_jsonable_python(known, fallback=str)
    return jsonable


def _model_name(model: Model) -> str | None:
    name = getattr(model, "model", None)
    return name if isinstance(name, str) else None


def _other_model(model: Model, name: str) -> Model:
    """The same client and API under another model's name."""
    if _model_name(model) is None:
        raise BadInputError(
            f"a variant asks for model {name!r}, but {type(model).__name__} has no name to replace; "
            "leave 'model' out of its front matter"
        )
    other: Any = copy.copy(model)
    other.model = name
    return other  # type: ignore[no-any-return]


def _check_key(model: Model) -> None:
    client = getattr(model, "_client", None)
    if getattr(client, "api_key", None) == NO_KEY:
        raise ApplicationError("no key for the model: set OPENAI_API_KEY to make live calls")


class _NamingRunner:
    """The SDK's Runner, which also notes the agent's name for every model call."""

    @staticmethod
    async def run(*args: Any, run_config: RunConfig, **rest: Any) -> Any:
        return await agents.Runner.run(*args, run_config=_naming(run_config), **rest)

    @staticmethod
    def run_sync(*args: Any, run_config: RunConfig, **rest: Any) -> Any:
        """On DBOS's own loop: the SDK gives each thread one of its own, and forks would share clients over them."""
        context = get_local_dbos_context()
        if context is None or not context.is_workflow() or _on_event_loop():
            return agents.Runner.run_sync(*args, run_config=_naming(run_config), **rest)
        loop = dbos_module._get_dbos_instance()._background_event_loop
        return loop.submit_coroutine(_NamingRunner.run(*args, run_config=run_config, **rest))


def _naming(run_config: RunConfig) -> RunConfig:
    inner = run_config.call_model_input_filter

    async def note(data: CallModelData[Any]) -> ModelInputData:
        agent: Agent[Any] = data.agent
        _agent.set(agent.name)
        if inner is None:
            return data.model_data
        changed = inner(data)
        return await changed if inspect.isawaitable(changed) else changed

    return dataclasses.replace(run_config, call_model_input_filter=note)


def _hooked(hook: Hook) -> Any:
    original = dbos_runner.DBOSModelWrapper.get_response

    async def get_response(self: Any, *args: Any, **kwargs: Any) -> ModelResponse:
        await hook(_Call(self.model, _by_name(self, args, kwargs), _agent.get()))
        return await original(self, *args, **kwargs)

    return get_response


class _Unrecorded(Model):
    """A model that the application calls in a workflow, and not in a step of it."""

    def __init__(self, model: Model, hook: Hook, agent: str) -> None:
        self.model, self._hook, self._agent = model, hook, agent

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        await self._ask(args, kwargs)
        return await self.model.get_response(*args, **kwargs)

    async def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[TResponseStreamEvent]:
        await self._ask(args, kwargs)
        async for event in self.model.stream_response(*args, **kwargs):
            yield event

    async def _ask(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        arguments = _by_name(self, args, kwargs)
        await self._hook(_Call(self.model, arguments, self._agent, durable=False))


def _watched(hook: Hook) -> Any:
    original = sdk_loop.get_model

    def get_model(agent: Agent[Any], run_config: RunConfig) -> Model:
        model, context = original(agent, run_config), get_local_dbos_context()
        within_workflow = context is not None and context.is_workflow()
        if not within_workflow or isinstance(model, dbos_runner.DBOSModelWrapper):
            return model
        return _Unrecorded(model, hook, agent.name)

    return get_model


class _Turns:
    """The parallel tool calls of one answer, let go one after the other as the recorded run did.

    DBOSRunner lets a call go before the synchronous tool ahead of it has drawn its step's number in a thread
    of its own, so that the numbers of parallel tools are a race.
    """

    def __init__(self, upcoming: Upcoming) -> None:
        self._upcoming = upcoming
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []
        self._busy = False

    async def call(self, tool: FunctionTool, context: Any, arguments: str) -> Any:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append((tool.name, turn))
        self._next()
        # Where no tool has the name of the recorded step, they go as they came.
        timer = loop.call_later(GATHERING_SECONDS, self._next, True)
        try:
            await turn
            return await self._until_its_step(tool.on_invoke_tool(context, arguments))
        finally:
            timer.cancel()

    async def _until_its_step(self, called: Awaitable[Any]) -> Any:
        drawn, running = _steps_drawn(), asyncio.ensure_future(called)
        try:
            while not running.done() and _steps_drawn() == drawn:
                await asyncio.wait({running}, timeout=TURN_SECONDS)
        finally:
            self._busy = False
            self._next()
        return await running

    def _next(self, anyone: bool = False) -> None:
        if self._busy:
            return
        expected = (self._upcoming() or "").rsplit(".", 1)[-1]
        names = [name for name, _ in self._waiting]
        if expected in names or (names and anyone):
            _, turn = self._waiting.pop(names.index(expected) if expected in names else 0)
            if not turn.done():
                self._busy = True
                turn.set_result(None)


def _in_turn(upcoming: Upcoming) -> Any:
    original = dbos_runner._create_tool_wrapper
    turns: WeakKeyDictionary[Any, _Turns] = WeakKeyDictionary()

    def create_tool_wrapper(state: Any, tool: FunctionTool) -> Any:
        as_in_production = original(state, tool)

        async def invoke(context: Any, arguments: str) -> Any:
            turnstile = state.turnstile
            if upcoming() is None or len(turnstile.events) < 2:
                return await as_in_production(context, arguments)
            return await turns.setdefault(turnstile, _Turns(upcoming)).call(tool, context, arguments)

        return invoke

    return create_tool_wrapper


def _steps_drawn() -> int:
    context = get_local_dbos_context()
    return 0 if context is None else context.function_id


def _by_name(model: Model, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    bound = inspect.signature(Model.get_response).bind(model, *args, **kwargs)
    bound.apply_defaults()
    return {name: value for name, value in bound.arguments.items() if name != "self"}


def _on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _await_without_limit(attempt: Any, _timeout: float | None) -> ModelResponse:
    """The SDK bounds a model call by the agent's own time-out; at a fork point it takes as long as the trials."""
    response: ModelResponse = await attempt
    return response


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    original = owner.__dict__[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)


@contextmanager
def _own_connections() -> Iterator[None]:
    """The SDK shares one HTTP client; a connection that another event loop opened breaks the call that gets it."""
    clients: dict[asyncio.AbstractEventLoop, Any] = {}

    def of_this_loop() -> Any:
        loop = asyncio.get_running_loop()
        if loop not in clients:
            clients[loop] = DefaultAsyncHttpx2Client()
        return clients[loop]

    with _replaced(sdk_provider, "shared_http_client", of_this_loop):
        yield
    for loop, client in clients.items():
        if loop.is_running():
            asyncio.run_coroutine_threadsafe(client.aclose(), loop)


@contextmanager
def _placeholder_key() -> Iterator[None]:
    if os.environ.get("OPENAI_API_KEY"):
        yield
        return
    os.environ["OPENAI_API_KEY"] = NO_KEY
    try:
        yield
    finally:
        if os.environ.get("OPENAI_API_KEY") == NO_KEY:
            del os.environ["OPENAI_API_KEY"]


@contextmanager
def _no_tracing() -> Iterator[None]:
    """The SDK uploads traces by default."""
    provider: Any = get_trace_provider()
    before = getattr(provider, "_manual_disabled", None)
    provider.set_disabled(True)
    try:
        yield
    finally:
        provider._manual_disabled = before
        provider._refresh_disabled_flag()
