"""Reports every DBOS step that a workflow is about to start: all of them go through one function of DBOS."""

import inspect
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Protocol

import dbos._core as dbos_core

from refork.dbos.replay.transactions import Transactions
from refork.frameworks.protocol import StepCall


class StepWatcher(Protocol):
    """Is called about steps in the workflow that starts them.

    Gives what is to run in the step's place, a coroutine function where the step's is one, or None.
    """

    def on_step(self, step: StepCall) -> Callable[..., Any] | None:
        """Called before a step. May block: the step's function is synchronous."""
        ...

    async def on_async_step(self, step: StepCall) -> Callable[..., Any] | None: ...

    def after_step(self, step: StepCall) -> None:
        """Called after the step returned or raised. May block."""
        ...

    async def after_async_step(self, step: StepCall) -> None: ...

    def on_orphan(self) -> None:
        """Called when code outside of every workflow calls a step or starts a workflow. Raises if it may not."""
        ...


@contextmanager
def watched_steps(watcher: StepWatcher) -> Generator[None]:
    """Call ``watcher`` for the steps of every workflow, before DBOS looks for their checkpoints."""
    core: Any = dbos_core
    original: Callable[..., Any] = core.invoke_step
    transactions = Transactions()

    def invoke_step(
        dbos: Any, context: Any, function: Any, args: Any, kwargs: Any, *, step_name: str, **options: Any
    ) -> Any:
        step = transactions.seen(
            StepCall(number=context.function_id, name=step_name, function=function, args=args, kwargs=kwargs)
        )
        options["step_name"] = step_name

        def start(instead: Callable[..., Any] | None) -> Any:
            if instead is not None and not getattr(instead, "is_the_step", False):
                options["retries_allowed"] = False  # what stands in for a step means what it raises
            return original(dbos, context, instead or step.function, args, kwargs, **options)

        if not inspect.iscoroutinefunction(function):
            try:
                return start(watcher.on_step(step))
            finally:
                watcher.after_step(step)

        async def invoke() -> Any:
            try:
                return await start(await watcher.on_async_step(step))
            finally:
                await watcher.after_async_step(step)

        return invoke()

    here: Callable[[], Any] = core.get_local_dbos_context

    def where() -> Any:
        """Return DBOS's context, and report code that still runs after its workflow has ended.

        DBOS empties the context then, so that such code would run without a check.
        """
        context = here()
        if context is not None and not context.workflow_id:
            watcher.on_orphan()
        return context

    core.invoke_step, core.get_local_dbos_context = invoke_step, where
    try:
        with transactions.nothing_to_tidy():
            yield
    finally:
        core.invoke_step, core.get_local_dbos_context = original, here
