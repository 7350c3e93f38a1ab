"""Runs a coroutine for code that is synchronous, wherever that stands."""

import asyncio
import contextvars
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")


def on_event_loop() -> bool:
    """Whether the caller stands on the thread of an event loop that runs, and would block it."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def run_on_event_loop(waited: Coroutine[Any, Any, _Result]) -> _Result:
    """Run it in a thread and a loop of its own, in the caller's context, and wait for it.

    The caller may stand on a thread without a loop, or block one: both are found in synchronous steps.
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
