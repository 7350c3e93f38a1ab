"""Waits for code of the application or a client for a limited time, whatever it raises or swallows."""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

_Result = TypeVar("_Result")


@dataclass(frozen=True, kw_only=True)
class Ended(Generic[_Result]):
    """The end of a piece of work: ``value`` if ``error`` is None. ``seconds`` is its duration."""

    value: _Result | None = None
    error: BaseException | None = None
    seconds: float = 0.0


async def within(seconds: float, work: Coroutine[Any, Any, _Result]) -> Ended[_Result]:
    """Run ``work`` in a task of its own for at most ``seconds``. Its exceptions are returned, never raised.

    The error is a TimeoutError if the time is up, even if the work continues because it swallows its cancellation.
    An exception such as SystemExit is returned, too, because it would end the event loop if it left the task.
    """
    task = asyncio.create_task(_caught(work))
    try:
        done, _ = await asyncio.wait({task}, timeout=max(0.0, seconds))
    except asyncio.CancelledError:
        task.cancel()
        raise
    if done and not task.cancelled():
        return task.result()
    task.cancel()
    return Ended(error=TimeoutError(), seconds=seconds)


async def _caught(work: Coroutine[Any, Any, _Result]) -> Ended[_Result]:
    began = time.monotonic()
    try:
        return Ended(value=await work, seconds=time.monotonic() - began)
    except BaseException as error:
        return Ended(error=error, seconds=time.monotonic() - began)
