"""Replays parallel tool calls under ``dbos_openai_agents.DBOSRunner`` in their recorded order."""

import asyncio
import dataclasses
from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final
from weakref import WeakKeyDictionary

import dbos_openai_agents.runner as dbos_runner
from agents import FunctionTool, Tool
from agents.agent import AgentBase
from agents.tool import ToolOriginType
from dbos._context import get_local_dbos_context

from refork.errors import ToolToldError
from refork.frameworks.protocol import Watcher

NextStepName = Callable[[], str | None]

GATHERING_SECONDS: Final = 0.05
TURN_SECONDS: Final = 0.001
DUE_SECONDS: Final = 1.0
_WATCHED: Final = "refork_watched"


@dataclasses.dataclass(frozen=True, eq=False)
class _Waiting:
    name: str
    turn: asyncio.Future[None]
    until: float


class _Turns:
    """Starts the parallel tool calls of one answer one after the other, in the recorded order.

    DBOSRunner starts a call before the synchronous tool ahead of it has got its step number in a thread of its own,
    so the numbers of parallel tools would be a race.
    """

    def __init__(self, next_step_name: NextStepName) -> None:
        self._next_step_name = next_step_name
        self._waiting: list[_Waiting] = []
        self._busy = False

    async def call(self, tool: FunctionTool, context: Any, arguments: str) -> Any:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(_Waiting(tool.name, turn, loop.time() + GATHERING_SECONDS))
        self._next()
        timer = loop.call_later(GATHERING_SECONDS, self._next)
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
        except asyncio.CancelledError:
            running.cancel()
            raise
        finally:
            self._busy = False
            self._next()
        return await running

    def _next(self) -> None:
        self._waiting = [each for each in self._waiting if not each.turn.done()]
        if self._busy or not self._waiting:
            return
        expected = _last_part(self._next_step_name() or "")
        first = self._waiting[0]
        called = next((each for each in self._waiting if each.name == expected), first)
        # If no tool has the name of the recorded step, they start in the order in which they were called.
        if called.name == expected or first.turn.get_loop().time() >= first.until:
            self._waiting.remove(called)
            self._busy = True
            called.turn.set_result(None)


def in_turn(watcher: Watcher) -> Any:
    original = dbos_runner._create_tool_wrapper
    next_step_name = watcher.next_step_name
    in_vain: set[str] = set()
    turns: WeakKeyDictionary[Any, _Turns] = WeakKeyDictionary()

    def create_tool_wrapper(state: Any, tool: FunctionTool) -> Any:
        tool = with_reported_calls(watcher, tool)
        as_in_production = original(state, tool)

        async def invoke(context: Any, arguments: str) -> Any:
            turnstile = state.turnstile
            if next_step_name() is None:
                return await as_in_production(context, arguments)
            if len(turnstile.events) < 2:
                await _until_due(watcher, tool.name, in_vain)
                return await as_in_production(context, arguments)
            return await turns.setdefault(turnstile, _Turns(next_step_name)).call(tool, context, arguments)

        setattr(invoke, _WATCHED, True)
        return invoke

    return create_tool_wrapper


async def _until_due(watcher: Watcher, name: str, in_vain: set[str]) -> None:
    """Wait while a concurrent agent's step is due before that of the tool ``name``.

    ``in_vain`` collects the ids of forks whose wait has timed out once; they do not wait again.
    """
    fork = watcher.replaying()
    if fork is None or fork.run_id in in_vain or not fork.comes(name):
        return
    until = asyncio.get_running_loop().time() + DUE_SECONDS
    while (expected := watcher.next_step_name()) is not None and _last_part(expected) != name:
        if asyncio.get_running_loop().time() > until:
            in_vain.add(fork.run_id)
            return
        await asyncio.sleep(TURN_SECONDS)


def _last_part(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def all_tools(watcher: Watcher) -> Any:
    """Return a replacement of ``AgentBase.get_all_tools`` whose tools report their calls to ``watcher``.

    DBOSRunner wraps only the tools that an agent lists; tools of MCP servers, and agents as tools, are found here.
    """
    original = AgentBase.get_all_tools
    turns: defaultdict[str, _Turns] = defaultdict(partial(_Turns, watcher.next_step_name))

    async def get_all_tools(self: AgentBase[Any], run_context: Any) -> list[Tool]:
        tools, fork = await original(self, run_context), watcher.replaying()
        return tools if fork is None else [_watched(tool, watcher, turns[fork.run_id]) for tool in tools]

    return get_all_tools


def _watched(tool: Tool, watcher: Watcher, turns: _Turns) -> Tool:
    if not isinstance(tool, FunctionTool) or getattr(tool.on_invoke_tool, _WATCHED, False):
        return tool
    reporting = with_reported_calls(watcher, tool)
    if tool._is_agent_tool or (tool._tool_origin and tool._tool_origin.type is ToolOriginType.MCP):
        return reporting
    return dataclasses.replace(reporting, on_invoke_tool=partial(_in_turn, turns, reporting))


async def _in_turn(turns: _Turns, tool: FunctionTool, context: Any, arguments: str) -> Any:
    return await turns.call(tool, context, arguments)


def with_reported_calls(watcher: Watcher, tool: FunctionTool) -> FunctionTool:
    """Return the tool with its calls passed to ``watcher`` first. An agent as a tool acts only by its own tools."""
    if getattr(tool, "_is_agent_tool", False):
        return tool

    async def invoke(context: Any, arguments: str) -> Any:
        try:
            return await watcher.call_tool(
                tool.name, arguments, lambda: tool.on_invoke_tool(context, arguments)
            )
        except ToolToldError as error:
            return str(error)

    return dataclasses.replace(tool, on_invoke_tool=invoke)


def _steps_drawn() -> int:
    context = get_local_dbos_context()
    return 0 if context is None else context.function_id
