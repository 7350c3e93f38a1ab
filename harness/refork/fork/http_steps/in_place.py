"""What runs in the place of a step that asks a model, in a tail: its own code, under the eyes of its exchanges."""

import inspect
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

from refork.fork.http_steps.exchanges import Exchanges
from refork.fork.http_steps.sending import told_instead
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
    """A function for the step's own. ``check`` says whether a candidate must be asked for in it.

    ``stop`` is told what keeps the trial from being measured, before that is raised into the workflow; ``ended`` is
    called where the code came to its end.
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
        with watching(exchanges), call.running() as asked_for:
            yield
            if check and exchanges.failure(None) is None:
                asked_for()
    except BaseException as error:
        failure = told_instead(error, exchanges)
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
