"""Runs synchronous step code next to an event loop, in a thread that nobody has to wait for."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any


async def in_thread(function: Callable[[], Any], context: contextvars.Context | None = None) -> Any:
    """Call a function in its own daemon thread, in the caller's context or another one, and return its result.

    There is no limit from a thread pool, and a process that ends does not wait for a thread that hangs.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()
    within = contextvars.copy_context() if context is None else context

    def settle(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(RuntimeError(f"{error!r}") if isinstance(error, StopIteration) else error)

    def run() -> None:
        result, error = None, None
        try:
            result = within.run(function)
        except BaseException as raised:  # whatever a step raises is its caller's
            error = raised
        with suppress(RuntimeError):  # the loop may be closed by then
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name="refork-step", daemon=True).start()
    return await future
