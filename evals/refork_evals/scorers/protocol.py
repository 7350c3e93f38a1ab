"""The interface of a scorer, its input, and the function that runs it."""

import asyncio
import inspect
from collections.abc import Awaitable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol, runtime_checkable

from refork.errors import ReforkError
from refork.records import Answer, Case, Request, Step
from refork.records.outcome import ErrorKind
from refork.records.usage import Usage
from refork.redaction.error_text import summary

from refork_evals.results import Score
from refork_evals.scorers.time_limits import TooLongError

LONGEST_SECONDS: Final = 600.0
"""Seconds that an awaited scorer may take, such as a judge with its attempts."""


_ANYTHING: Final = frozenset({Exception, RuntimeError})
_NOT_OF_THE_ANSWER: Final = (
    ReforkError,
    TooLongError,
    OSError,
    ImportError,
    NameError,
    MemoryError,
    NotImplementedError,
    RecursionError,
    StopAsyncIteration,
)


class NotMeasuredError(ReforkError):
    """A scorer cannot decide because what it measures is unknown. The trial counts as an error, not as a failure."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One answer to score: that of a trial, or the recorded one (``variant`` is ``recorded``, ``trial`` is 0).

    ``scope`` is the case's, ``step`` or ``tail``. In ``tail`` scope ``answer`` is the workflow's result with every
    tool call from the fork point on, and ``trajectory`` contains the steps from there on. ``request`` is the request
    at the fork point, or None if it is unknown. ``usage`` (tokens), ``seconds`` (wall time of the model call, or of
    the tail), ``cost_usd`` (US dollars) and ``model`` are None if they were not recorded or the price is unknown.
    """

    answer: Answer
    request: Request | None = None
    case: Case | None = None
    variant: str = "current"
    trial: int = 0
    usage: Usage | None = None
    seconds: float | None = None
    cost_usd: Decimal | None = None
    model: str | None = None
    trajectory: tuple[Step, ...] = ()
    scope: str = "step"


@runtime_checkable
class Scorer(Protocol):
    """A check of one answer.

    ``name`` appears in results and must not change between sessions. ``score`` takes a :class:`Sample` and returns
    a :class:`~refork_evals.results.Score`, or a coroutine that does; coroutines of many trials run concurrently.
    If it raises because it cannot read the answer, the trial fails; any other exception is an error of that trial
    (:func:`is_of_the_answer`).
    """

    @property
    def name(self) -> str: ...

    def score(self, sample: Sample) -> Score | Awaitable[Score]: ...


async def run_scorer(scorer: Scorer, sample: Sample) -> Score:
    """Return the score of ``sample``. Its ``error`` is set if the scorer raised or took too long; ``passed`` is then
    False if it could not read the answer, else None.
    """
    task = asyncio.current_task()
    try:
        result = scorer.score(sample)
        async with asyncio.timeout(LONGEST_SECONDS):  # in this task: SystemExit would end the loop of another
            found: object = await result if inspect.isawaitable(result) else result
        return _checked(scorer, found)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise
        return _unknown(scorer, error)


def score_now(scorer: Scorer, sample: Sample) -> Score | None:
    """Return the score of a scorer that is not async, like :func:`run_scorer`; None if the scorer must be awaited."""
    if inspect.iscoroutinefunction(scorer.score):
        return None
    try:
        result: object = scorer.score(sample)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return _unknown(scorer, error)
    if not inspect.isawaitable(result):
        return _checked(scorer, result)
    if inspect.iscoroutine(result):
        result.close()
    return None


def _checked(scorer: Scorer, result: object) -> Score:
    if isinstance(result, Score):
        return result
    return Score(scorer=scorer.name, passed=None, error=f"it gave a {type(result).__name__} and no Score")


def _unknown(scorer: Scorer, error: BaseException) -> Score:
    if isinstance(error, TimeoutError) and not str(error):
        return Score(scorer=scorer.name, passed=None, error=f"no score within {LONGEST_SECONDS:g} s")
    if is_of_the_answer(error):
        return Score(scorer=scorer.name, passed=False, error=f"could not read the answer: {describe(error)}")
    return Score(scorer=scorer.name, passed=None, error=describe(error))


def is_of_the_answer(error: BaseException) -> bool:
    """Return whether an exception of a scorer means that it could not read the answer, such as one that is not JSON.

    That is a failure of the answer. What another answer could not have prevented is not: a network or a file that is
    not there, a missing library, a misspelt name, a time limit, an exception of which nothing can be said.
    """
    if isinstance(error, ExceptionGroup):
        return all(is_of_the_answer(each) for each in error.exceptions)
    if type(error) in _ANYTHING or not isinstance(error, Exception):
        return False
    if isinstance(error, UnboundLocalError):
        return True
    from refork.fork.attempts.problems import kind_of  # noqa: PLC0415 - DBOS takes a second to import

    return not isinstance(error, _NOT_OF_THE_ANSWER) and kind_of(error) is ErrorKind.OTHER


def describe(error: BaseException) -> str:
    """Return an exception in one line: ``Type: message``."""
    return summary(error)
