"""Replaces a step that calls a model in a tail: runs its code and intercepts its requests."""

import inspect
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

from refork.fork.http_steps.exchanges import Exchanges
from refork.fork.http_steps.sending import error_to_raise
from refork.frameworks.protocol import StepCall, StepRun
from refork.http_calls import watching


def in_place(
    step: StepCall,
    call: StepRun,
    exchanges: Exchanges,
    *,
    check: bool,
    stop: Callable[[Exception], None],
    ended: Callable[[], None],
) -> Callable[..., Any]:
    """Return a function to run instead of the step's own.

    ``check`` says whether the code must use a candidate. ``stop`` receives the reason why the trial cannot be
    measured, before it is raised into the workflow; ``ended`` is called at the end of the code.
    """
    function = step.function
    around = partial(_around, call, exchanges, check=check, stop=stop, ended=ended)

    async def run_async(*args: Any, **kwargs: Any) -> Any:
        with around():
            return await function(*args, **kwargs)

    def run(*args: Any, **kwargs: Any) -> Any:
        with around():
            return function(*args, **kwargs)

    return run_async if inspect.iscoroutinefunction(function) else run


@contextmanager
def _around(
    call: StepRun,
    exchanges: Exchanges,
    *,
    check: bool,
    stop: Callable[[Exception], None],
    ended: Callable[[], None],
) -> Generator[None]:
    try:
        with watching(exchanges), call.running() as check_candidate:
            yield
            if check and exchanges.failure(None) is None:
                check_candidate()
    except BaseException as error:
        failure = error_to_raise(error, exchanges)
        if exchanges.problem is not None:
            stop(exchanges.problem)
        if failure is not None:
            raise failure from error
        raise
    finally:
        exchanges.close()
    failure = exchanges.failure(None)
    if exchanges.problem is not None:
        stop(exchanges.problem)
    if failure is not None:
        raise failure
    ended()
