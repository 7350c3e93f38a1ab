"""Runs calls on another thread that DBOS refuses on a thread with an event loop, such as a notebook's."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

_Result = TypeVar("_Result")


def run_off_event_loop(call: Callable[[], _Result]) -> _Result:
    """Return the result of a synchronous call, made on a new thread if the caller's thread runs an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return call()
    results: list[_Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="refork-dbos")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
