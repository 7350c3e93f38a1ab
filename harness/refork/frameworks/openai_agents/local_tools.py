"""Passes the SDK's tools that act on this machine to the tool policy: shells, patches, the screen."""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any, Final

import agents.run_internal.tool_planning as sdk_planning

from refork.frameworks.protocol import Watcher

EXECUTORS: Final = {
    "execute_computer_actions": "computer",
    "execute_custom_tool_calls": "custom_tool",
    "execute_shell_calls": "shell",
    "execute_apply_patch_calls": "apply_patch",
    "execute_local_shell_calls": "local_shell",
}
"""The SDK's functions that run these tools, and the tools' names in the tool policy."""


@contextmanager
def local_tools(watcher: Watcher) -> Generator[None]:
    """Pass their calls to ``watcher`` first. Their results are not recorded, so a call acts or is denied."""
    planning: Any = sdk_planning
    originals = {name: getattr(planning, name) for name in EXECUTORS}
    for name, original in originals.items():
        setattr(planning, name, _with_reported_calls(watcher, EXECUTORS[name], original))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(planning, name, original)


def _with_reported_calls(watcher: Watcher, name: str, original: Callable[..., Awaitable[Any]]) -> Any:
    async def execute(**given: Any) -> Any:
        if not (given.get("calls") or given.get("actions")):
            return await original(**given)
        return await watcher.call_tool(name, {}, lambda: original(**given))

    return execute
