"""What a scorer is, what it is given, and how it is run."""

import inspect
from collections.abc import Awaitable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, runtime_checkable

from refork.case import Answer, Case, Request, Step
from refork.errors import ReforkError
from refork.usage import Usage

from refork_evals.results import Score
from refork_evals.text import one_line


class NotMeasuredError(ReforkError):
    """A scorer cannot say: what it measures is not known. The trial counts as an error, not as a failure."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One answer to score: that of a trial, or production's own (``variant`` is ``recorded``, ``trial`` 0).

    ``scope`` is the case's, ``step`` or ``tail``. In ``tail`` scope ``answer`` is the workflow's result with every
    tool call from the fork point on, and ``trajectory`` holds the steps from there on. ``request`` is what was sent
    at the fork point, where that is known. ``usage``, ``seconds`` (wall time of the model call, or of the tail),
    ``cost_usd`` and ``model`` are None where nobody recorded them or the price is unknown.
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
    """Turns a sample into a score, at once or awaited. What it raises becomes an error of that trial."""

    @property
    def name(self) -> str: ...

    def score(self, sample: Sample) -> Score | Awaitable[Score]: ...


async def run_scorer(scorer: Scorer, sample: Sample) -> Score:
    """The score of ``sample``; one without ``passed`` where the scorer raised. Never an Exception."""
    try:
        result = scorer.score(sample)
        return await result if inspect.isawaitable(result) else result
    except Exception as error:
        return Score(scorer=scorer.name, passed=None, error=describe(error))


def score_now(scorer: Scorer, sample: Sample) -> Score | None:
    """The score of a scorer that answers at once; None where it has to be awaited. Never an Exception."""
    if inspect.iscoroutinefunction(scorer.score):
        return None
    try:
        result = scorer.score(sample)
    except Exception as error:
        return Score(scorer=scorer.name, passed=None, error=describe(error))
    if isinstance(result, Score):
        return result
    if inspect.iscoroutine(result):
        result.close()
    return None


def describe(error: BaseException) -> str:
    """An exception in one line: ``Type: message``."""
    message = one_line(str(error))
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
