"""Finds the first step of a run at which an expectation about tool calls is broken."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, cast, runtime_checkable

from refork.records import Run, Step, StepKind, ToolCall

from refork_evals.scorers.builtin.base import Source
from refork_evals.scorers.builtin.eventual_calls import EventuallyCalls
from refork_evals.scorers.builtin.judge import Judge
from refork_evals.scorers.builtin.tools import ToolCalled, ToolNotCalled
from refork_evals.scorers.builtin.trajectory import Trajectory
from refork_evals.scorers.protocol import Sample, Scorer, run_scorer


@runtime_checkable
class SaysWhereBroken(Protocol):
    """A scorer that knows the call that broke it."""

    def broken_at(self, calls: Sequence[ToolCall]) -> int | None:
        """The place of that call, from 0; None if no call did, but the lack of one."""
        ...


def is_about_calls(scorer: object) -> bool:
    """Return whether a scorer, or one of its parts, looks at tool calls."""
    if isinstance(scorer, ToolCalled | ToolNotCalled | Trajectory | EventuallyCalls):
        return True
    source = getattr(scorer, "source", None)
    if isinstance(source, Source) and source.tool is not None:
        return True
    return any(map(is_about_calls, _parts(scorer)))


def judge_calls(scorer: object) -> int:
    """The most calls of a model that a scorer makes for one answer."""
    own = scorer.votes if isinstance(scorer, Judge) else 0
    return own + sum(map(judge_calls, _parts(scorer)))


async def broken_step(run: Run, sample: Sample, scorer: Scorer) -> Step | None:
    """The step after which the run could no longer pass, of a run that fails.

    None if the scorer is not about calls, if it would ask a model, or if the run fails for the lack of a call.
    """
    if not is_about_calls(scorer) or judge_calls(scorer):
        return None
    place = await _breaking_call(sample, scorer)
    return (
        None if place is None else next((step for step, calls in _calling_steps(run) if calls > place), None)
    )


async def _breaking_call(sample: Sample, scorer: Scorer) -> int | None:
    """The place of the call, from 0, after which the scorer never passes again; None if it never passed."""
    calls = sample.answer.tool_calls
    if isinstance(scorer, SaysWhereBroken):
        place = scorer.broken_at(calls)
        if place is not None:
            return place
    for count in reversed(range(len(calls))):
        if await _passes(scorer, sample, count):
            return count
    return None


def last_model_step(run: Run) -> Step | None:
    """The step that gave the answer of a run that ended well."""
    return next((step for step in reversed(run.steps) if step.kind is StepKind.MODEL), None)


def _calling_steps(run: Run) -> Sequence[tuple[Step, int]]:
    """The steps that call tools, each with the number of all calls up to it."""
    found: list[tuple[Step, int]] = []
    calls, models = 0, False
    for step in run.steps:
        models = models or step.kind is StepKind.MODEL
        # As in calls_of: before the first model step the tools themselves are the calls.
        asked = () if step.answer is None else step.answer.tool_calls
        more = len(asked) if models else int(step.tool is not None)
        calls += more
        if more:
            found.append((step, calls))
    return found


async def _passes(scorer: Scorer, sample: Sample, calls: int) -> bool:
    answer = replace(sample.answer, tool_calls=sample.answer.tool_calls[:calls])
    return (await run_scorer(scorer, replace(sample, answer=answer))).passed is True


def _parts(scorer: object) -> tuple[object, ...]:
    return cast("tuple[object, ...]", getattr(scorer, "parts", ()))
