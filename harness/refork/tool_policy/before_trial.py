"""A function that puts the world where the recorded run had brought it, before each trial of a tail::

    from refork import before_trial

    @before_trial
    def reserved_again(calls):
        shop = Shop()
        for call in calls:
            if call.name == "reserve":
                shop.reserve(**call.arguments)
        yield shop
        shop.close()

It is registered in the project's ``conftest.py``. What it returns or yields is given to stubs as ``world``.
"""

import inspect
import logging
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from refork.errors import BadInputError, ForkError
from refork.records import Case, Step, StepKind
from refork.redaction.error_text import summary
from refork.tool_policy import last_part
from refork.tool_policy.recorded_arguments import arguments_of
from refork.tool_policy.stubs import accepted, place_of
from refork.values import decoded

_Function = TypeVar("_Function", bound=Callable[..., Any])
_GIVEN: Final = ("calls", "case", "variant", "trial")
_registered: list[Callable[..., Any]] = []


@dataclass(frozen=True, kw_only=True)
class EarlierCall:
    """A tool call of the recorded run before the fork point.

    ``arguments`` are by name, None if unknown. ``error`` is the message of the exception that it raised, otherwise
    None.
    """

    name: str
    arguments: Mapping[str, Any] | None
    output: Any = None
    error: str | None = None


def before_trial(function: _Function) -> _Function:
    """Register a hook that runs before each trial of a tail: a function, plain or async, or a generator that
    yields once.

    It may have the parameters ``calls`` (the :class:`EarlierCall` objects of the run, in order), ``case`` and
    ``variant`` (their names), and ``trial`` (its number, from 1). Stubs receive what it returns or yields as
    ``world``; a generator cleans up after its ``yield``. Returns the function unchanged. Raises BadInputError for
    a second hook, and for any other parameter.
    """
    _check(function)
    _registered[:] = [function]
    return function


def forget_hook() -> None:
    """Forget the hook, so that one test session does not see that of another in the same process."""
    _registered.clear()


@contextmanager
def world_of(case: Case, *, variant: str, trial: int, run: Callable[[Any], Any]) -> Generator[Any]:
    """Yield the world of one trial; None without a hook. Raises ForkError if the hook raised.

    ``run`` runs a coroutine to its end.
    """
    if not _registered:
        yield None
        return
    hook = _registered[0]
    given = {"calls": earlier_calls(case), "case": case.name, "variant": variant, "trial": trial}
    given = accepted(hook, given)
    made = hook(**given) if inspect.isgeneratorfunction(hook) else None
    try:
        if made is not None:
            world = next(made)
        else:
            found = hook(**given)
            world = run(found) if inspect.isawaitable(found) else found
    except BaseException as error:
        raise ForkError(
            f"the hook {_place(hook)}, which prepares the trial, raised {summary(error)}"
        ) from error
    yield world
    if made is not None:
        _tidy(made, hook)


def earlier_calls(case: Case) -> tuple[EarlierCall, ...]:
    """Return the tool calls before the fork point of ``case``, in their order."""
    known = arguments_of(case.run)
    tools = (step for step in case.run.steps if step.number < case.step and step.kind is StepKind.TOOL)
    return tuple(_call(step, known.get(step.number, ())) for step in tools)


def _call(step: Step, arguments: tuple[Any, ...]) -> EarlierCall:
    given = decoded(arguments[0]) if arguments else None
    return EarlierCall(
        name=step.tool or last_part(step.name),
        arguments=given if isinstance(given, Mapping) else None,
        output=decoded(step.output),
        error=None if step.error is None else step.error.message,
    )


def _tidy(made: Generator[Any], hook: Callable[..., Any]) -> None:
    """Resume the generator after its ``yield``. The trial is over, so an exception is reported and has no other
    effect.
    """
    try:
        next(made, None)
    except Exception as error:
        logging.getLogger("refork").warning(
            "the hook %s raised after its trial: %s", _place(hook), summary(error)
        )


def _check(function: Any) -> None:
    if not callable(function):
        raise BadInputError(f"@before_trial must stand above a function, and not a {type(function).__name__}")
    if _registered and _place(_registered[0]) != _place(function):
        raise BadInputError(
            f"@before_trial is registered twice: {_place(_registered[0])} and {_place(function)}; keep one"
        )
    if inspect.isasyncgenfunction(function):
        raise BadInputError(
            f"the hook {_place(function)} is an asynchronous generator; make it a plain one, or an async function"
        )
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in _GIVEN and parameter.default is inspect.Parameter.empty:
            raise BadInputError(
                f"the hook {_place(function)} wants {name!r}; it can have {', '.join(_GIVEN)}"
            )


def _place(function: Callable[..., Any]) -> str:
    where = place_of(function)
    return f"{function.__name__!r} ({where})" if hasattr(inspect.unwrap(function), "__code__") else where
