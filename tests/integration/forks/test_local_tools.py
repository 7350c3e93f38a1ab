"""Shells, patches and the screen act in no fork, unless the project says so."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import agents.run_internal.tool_planning as sdk_planning
import pytest
from refork.errors import ToolDeniedError
from refork.frameworks.openai_agents.local_tools import EXECUTORS, local_tools


class Watcher:
    """Denies every tool, and notes which."""

    def __init__(self, *, may: bool) -> None:
        self.may = may
        self.asked: list[str] = []

    async def call_tool(self, name: str, _arguments: Any, invoke: Callable[[], Awaitable[Any]]) -> Any:
        self.asked.append(name)
        if not self.may:
            raise ToolDeniedError(name)
        return await invoke()


@pytest.mark.parametrize("function", EXECUTORS)
def test_each_is_asked_about_before_it_acts(function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    acted: list[Any] = []

    async def act(**given: Any) -> Any:
        acted.extend(given[what])
        return given[what]

    parameters = inspect.signature(getattr(sdk_planning, function)).parameters
    (what,) = {"calls", "actions"} & set(parameters)
    monkeypatch.setattr(sdk_planning, function, act)
    for may in (False, True):
        watcher: Any = Watcher(may=may)
        with local_tools(watcher):
            execute: Any = getattr(sdk_planning, function)
            assert asyncio.run(execute(**{what: []}, hooks=None)) == []
            if may:
                assert asyncio.run(execute(**{what: ["rm"]}, hooks=None)) == ["rm"]
            else:
                with pytest.raises(ToolDeniedError):
                    asyncio.run(execute(**{what: ["rm"]}, hooks=None))
        assert watcher.asked == [EXECUTORS[function]]
    assert acted == ["rm"]
    assert getattr(sdk_planning, function) is act
