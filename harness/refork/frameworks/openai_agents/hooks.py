"""Replaces parts of the OpenAI Agents SDK and of DBOSRunner while a session runs."""

import asyncio
import dataclasses
import inspect
from collections.abc import AsyncIterator, Generator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any, Final

import agents
import agents.models.openai_provider as sdk_provider
import agents.run_internal.model_retry as sdk_retry
import agents.run_internal.run_loop as sdk_loop
import dbos._dbos as dbos_module
import dbos_openai_agents.runner as dbos_runner
from agents import Agent, Model, ModelResponse, RunConfig
from agents.agent import AgentBase
from agents.items import TResponseStreamEvent
from agents.run_config import CallModelData, ModelInputData
from agents.tracing import get_trace_provider
from dbos._context import get_local_dbos_context

from refork.frameworks.openai_agents.calls import OpenAIAgentsCall
from refork.frameworks.openai_agents.clients import check_key
from refork.frameworks.openai_agents.local_tools import local_tools
from refork.frameworks.openai_agents.sessions import read_only_sessions
from refork.frameworks.openai_agents.tool_order import all_tools, in_turn
from refork.frameworks.protocol import Watcher

CLOSING_SECONDS: Final = 2.0

_agent: ContextVar[str | None] = ContextVar("refork_agent", default=None)


@contextmanager
def intercepted(watcher: Watcher) -> Generator[None]:
    """Report every model call to ``watcher``, and let forks of synchronous and asynchronous code run concurrently."""
    with ExitStack() as stack:
        stack.enter_context(_replaced(dbos_runner, "Runner", _NamingRunner))
        if hasattr(sdk_retry, "_await_model_attempt"):  # older versions bound no call
            stack.enter_context(_replaced(sdk_retry, "_await_model_attempt", _await_without_limit))
        stack.enter_context(_replaced(dbos_runner.DBOSModelWrapper, "get_response", _hooked(watcher)))
        stack.enter_context(_replaced(sdk_loop, "get_model", _watched(watcher)))
        stack.enter_context(_replaced(dbos_runner, "_create_tool_wrapper", in_turn(watcher)))
        stack.enter_context(_replaced(AgentBase, "get_all_tools", all_tools(watcher)))
        stack.enter_context(local_tools(watcher))
        stack.enter_context(read_only_sessions(watcher))
        stack.enter_context(_own_connections())
        stack.enter_context(_no_tracing())
        yield


class _NamingRunner:
    """Replaces the SDK's Runner: it also notes the agent's name for every model call."""

    @staticmethod
    async def run(*args: Any, run_config: RunConfig, **rest: Any) -> Any:
        return await agents.Runner.run(*args, run_config=_naming(run_config), **rest)

    @staticmethod
    def run_sync(*args: Any, run_config: RunConfig, **rest: Any) -> Any:
        """Run on DBOS's own event loop. The SDK has one for each thread, over which forks would share clients."""
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


def _hooked(watcher: Watcher) -> Any:
    original = dbos_runner.DBOSModelWrapper.get_response

    async def get_response(self: Any, *args: Any, **kwargs: Any) -> ModelResponse:
        call = OpenAIAgentsCall(self.model, _by_name(self, args, kwargs), _agent.get())
        changed = await watcher.on_model_call(call)
        response: ModelResponse
        if isinstance(changed, OpenAIAgentsCall):
            # The state stays the caller's: it holds the order in which the answer's tools may go.
            wrapper = dbos_runner.DBOSModelWrapper(_keyed(changed), self._state)
            response = await original(wrapper, **changed.arguments)
        else:
            response = await original(self, *args, **kwargs)
        return response

    return get_response


def _keyed(call: OpenAIAgentsCall) -> Any:
    """Return the call's model, which raises when it is called without a key: a cached answer needs none."""

    async def get_response(*args: Any, **kwargs: Any) -> ModelResponse:
        check_key(getattr(call.model, "_client", None))
        return await call.model.get_response(*args, **kwargs)

    return SimpleNamespace(get_response=get_response)


class _Unrecorded(Model):
    """A model that the application calls in a workflow, and not in a step of it."""

    def __init__(self, model: Model, watcher: Watcher, agent: str) -> None:
        self.model, self._watcher, self._agent = model, watcher, agent

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        await self._ask(args, kwargs)
        return await self.model.get_response(*args, **kwargs)

    async def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[TResponseStreamEvent]:
        await self._ask(args, kwargs)
        async for event in self.model.stream_response(*args, **kwargs):
            yield event

    async def _ask(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        arguments = _by_name(self, args, kwargs)
        await self._watcher.on_model_call(
            OpenAIAgentsCall(self.model, arguments, self._agent, runs_in_step=False)
        )


def _watched(watcher: Watcher) -> Any:
    original = sdk_loop.get_model

    def get_model(agent: Agent[Any], run_config: RunConfig) -> Model:
        model, context = original(agent, run_config), get_local_dbos_context()
        within_workflow = context is not None and context.is_workflow()
        if isinstance(model, dbos_runner.DBOSModelWrapper) or not (within_workflow or watcher.offline):
            return model
        return _Unrecorded(model, watcher, agent.name)

    return get_model


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
    """Await a model call without the agent's time-out, because at a fork point it takes as long as the trials."""
    response: ModelResponse = await attempt
    return response


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Generator[None]:
    original = owner.__dict__[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)


def _client_class() -> Any:
    """Return the class of the SDK's HTTP client: openai 3 uses httpx2, openai 2 httpx."""
    names = ("DefaultAsyncHttpx2Client", "DefaultAsyncHttpxClient")
    return next(found for name in names if (found := getattr(sdk_provider, name, None)) is not None)


@contextmanager
def _own_connections() -> Generator[None]:
    """Give each event loop an HTTP client. The SDK shares one, whose connections fail on another event loop."""
    clients: dict[asyncio.AbstractEventLoop, Any] = {}

    def of_this_loop() -> Any:
        loop = asyncio.get_running_loop()
        if loop not in clients:
            clients[loop] = _client_class()()
        return clients[loop]

    with _replaced(sdk_provider, "shared_http_client", of_this_loop):
        yield
    for loop, client in clients.items():
        if loop.is_running():
            closing = asyncio.run_coroutine_threadsafe(client.aclose(), loop)
            with suppress(Exception):  # a loop that hangs closes nothing
                closing.result(CLOSING_SECONDS)


@contextmanager
def _no_tracing() -> Generator[None]:
    """Switch off the SDK's tracing, which uploads traces by default."""
    provider: Any = get_trace_provider()
    before = getattr(provider, "_manual_disabled", None)
    provider.set_disabled(True)
    try:
        yield
    finally:
        provider._manual_disabled = before
        provider._refresh_disabled_flag()
