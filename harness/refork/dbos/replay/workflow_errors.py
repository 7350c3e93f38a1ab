"""Makes every exception of a workflow's code its result: DBOS records an Exception and hangs after any other."""

import asyncio
import functools
import inspect
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import dbos._core as dbos_core
import dbos._dbos as dbos_module
from dbos._error import DBOSWorkflowCancelledError

from refork.redaction.error_text import message_of
from refork.values import RecordedException

_ENDS_LOOPS = (SystemExit, KeyboardInterrupt)


@contextmanager
def workflows_end() -> Generator[None]:
    """Make DBOS record SystemExit, CancelledError and the like as the error of the workflow that raised them."""
    with ExitStack() as stack:
        stack.enter_context(_replaced("_get_wf_invoke_func", _recording))
        stack.enter_context(_replaced("_execute_workflow_async", _uncancelled))
        stack.enter_context(_surviving_loop())
        yield


@contextmanager
def _replaced(name: str, around: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Generator[None]:
    core: Any = dbos_core
    original = getattr(core, name)
    setattr(core, name, around(original))
    try:
        yield
    finally:
        setattr(core, name, original)


def _recording(original: Callable[..., Any]) -> Callable[..., Any]:
    def get(*args: Any, **options: Any) -> Callable[[Callable[[], Any]], Any]:
        persist = original(*args, **options)
        return lambda function: persist(_raising_exceptions(function))

    return get


def _raising_exceptions(function: Callable[[], Any]) -> Callable[[], Any]:
    """Called once the workflow's code has ended, to give its result or raise its error again."""
    if inspect.iscoroutinefunction(function):
        return function

    def call() -> Any:
        try:
            return function()
        except DBOSWorkflowCancelledError:
            raise
        except Exception as error:
            if _has_text(error):
                raise
            raise _recorded(error) from None  # DBOS asks for its text
        except BaseException as error:
            raise _recorded(error) from error

    return call


def _uncancelled(original: Callable[..., Any]) -> Callable[..., Any]:
    """Replace a CancelledError that nobody requested, because DBOS takes it for the end of its own task."""

    def execute(dbos: Any, status: Any, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        @functools.wraps(function)
        async def tolerant(*given: Any, **named: Any) -> Any:
            task = asyncio.current_task()
            try:
                return await function(*given, **named)
            except asyncio.CancelledError as error:
                if task is None or task.cancelling():
                    raise
                raise _recorded(error) from error

        return original(dbos, status, tolerant, *args, **options)

    return execute


def _has_text(error: BaseException) -> bool:
    try:
        str(error)
    except BaseException:
        return False
    return True


def _recorded(error: BaseException) -> RecordedException:
    kind = type(error)
    return RecordedException(f"{kind.__module__}.{kind.__qualname__}", message_of(error))


@contextmanager
def _surviving_loop() -> Generator[None]:
    """A task that raises SystemExit ends the event loop that it runs on, and with it every workflow there.

    The exception is the task's result all the same.
    """
    loop: Any = dbos_module._get_dbos_instance()._background_event_loop._loop
    once: Callable[[], None] | None = getattr(loop, "_run_once", None)
    if once is None:  # a loop of another make
        yield
        return

    def survive() -> None:
        with suppress(*_ENDS_LOOPS):
            once()

    loop._run_once = survive
    try:
        yield
    finally:
        loop._run_once = once
