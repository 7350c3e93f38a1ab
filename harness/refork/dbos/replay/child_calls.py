"""Finds the arguments of a child workflow, because DBOS looks for the child's checkpoint by its name only."""

import inspect
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeAlias

import dbos._dbos as dbos_module
import dbos._queue as queue_module

from refork.dbos.replay.callers import locals_of_callers

Arguments: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]

_DEPTH: Final = 16
"""The maximum number of frames between DBOS's lookup and its function that starts the child."""
_given: ContextVar[Arguments | None] = ContextVar("refork_child_arguments", default=None)
"""The arguments of an asynchronous start, which makes its lookup from another thread."""


@contextmanager
def seen_child_starts() -> Generator[None]:
    """Record the arguments of children that asynchronous code starts, for :func:`arguments_here`."""
    with ExitStack() as stack:
        for module in (dbos_module, queue_module):
            if hasattr(module, "start_workflow_async"):
                stack.enter_context(_noting(module))
        yield


def arguments_here() -> Arguments | None:
    """Return the arguments of the child workflow that DBOS is about to start; None if they cannot be seen."""
    given = _given.get()
    if given is not None:
        return given
    found = map(_of, locals_of_callers("dbos._core", depth=_DEPTH))
    return next((arguments for arguments in found if arguments is not None), None)


def _of(known: dict[str, Any]) -> Arguments | None:
    inputs = known.get("inputs")
    if isinstance(inputs, dict) and "args" in inputs and "kwargs" in inputs:
        return tuple(inputs["args"]), dict(inputs["kwargs"])
    args, kwargs = known.get("args"), known.get("kwargs", {})
    return (args, kwargs) if isinstance(args, tuple) and isinstance(kwargs, dict) else None


@contextmanager
def _noting(module: Any) -> Generator[None]:
    original: Callable[..., Any] = module.start_workflow_async

    takes = inspect.signature(original)

    async def start_workflow_async(*args: Any, **kwargs: Any) -> Any:
        token = _given.set(_of(takes.bind(*args, **kwargs).arguments))
        try:
            return await original(*args, **kwargs)
        finally:
            _given.reset(token)

    module.start_workflow_async = start_workflow_async
    try:
        yield
    finally:
        module.start_workflow_async = original
