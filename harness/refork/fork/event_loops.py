"""Runs a coroutine for synchronous code, on any thread."""

import asyncio
import contextvars
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")


def on_event_loop() -> bool:
    """Return whether the caller is on the thread of a running event loop and would block it."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def run_on_event_loop(waited: Coroutine[Any, Any, _Result]) -> _Result:
    """Run a coroutine in a thread and an event loop of its own, in the caller's context, and wait for it.

    The caller may be on a thread without an event loop, or block one: synchronous steps do both.
    """
    results: list[_Result] = []
    problems: list[BaseException] = []

    def run() -> None:
        try:
            results.append(asyncio.run(waited))
        except BaseException as problem:
            problems.append(problem)

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(run,), name="refork-trials", daemon=True)
    thread.start()
    thread.join()
    if problems:
        raise problems[0]
    return results[0]
