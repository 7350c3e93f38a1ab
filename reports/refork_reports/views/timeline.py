"""The steps of a recorded run as a line of time, and where it forks."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from refork.records import Answer, Case, Step, ToolCall
from refork.text.escape import first_line
from refork.values.shown import untagged

State = Literal["before", "fork point", "after"]
_NEARBY: Final = 8


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A step in its place. ``start`` and ``width`` are percentages of the run's time, or None."""

    step: Step
    state: State
    output: str
    start: float | None = None
    width: float | None = None


@dataclass(frozen=True, kw_only=True)
class TimeSpan:
    """The time that a run took: when its first step began, and seconds from there to the last step's end."""

    begin: datetime | None
    seconds: float

    @classmethod
    def of(cls, steps: Sequence[Step]) -> "TimeSpan":
        starts = [step.started_at for step in steps if step.started_at]
        ends = [step.completed_at for step in steps if step.completed_at]
        begin = min(starts, default=None)
        return cls(begin=begin, seconds=(max(ends) - begin).total_seconds() if begin and ends else 0.0)


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The steps around the fork point. ``far_before`` and ``far_after`` are folded away."""

    far_before: tuple[Moment, ...]
    before: tuple[Moment, ...]
    fork: Moment
    after: tuple[Moment, ...]
    far_after: tuple[Moment, ...]


def timeline(case: Case) -> Timeline:
    """The recorded run, with eight steps on both sides of the fork point."""
    steps = moments(case)
    before = tuple(moment for moment in steps if moment.state == "before")
    after = tuple(moment for moment in steps if moment.state == "after")
    return Timeline(
        far_before=before[:-_NEARBY],
        before=before[-_NEARBY:],
        fork=next(moment for moment in steps if moment.state == "fork point"),
        after=after[:_NEARBY],
        far_after=after[_NEARBY:],
    )


def moments(case: Case) -> tuple[Moment, ...]:
    span = TimeSpan.of(case.run.steps)
    return tuple(moment_of(step, span, state(case, step)) for step in case.run.steps)


def moment_of(step: Step, span: TimeSpan, state: State = "before") -> Moment:
    begin, seconds = span.begin, span.seconds
    return Moment(
        step=step,
        state=state,
        output=output_line(step),
        start=100 * (step.started_at - begin).total_seconds() / seconds
        if begin and step.started_at and seconds > 0
        else None,
        width=100 * step.seconds / seconds if step.seconds is not None and seconds > 0 else None,
    )


def state(case: Case, step: Step) -> State:
    if step.number == case.step:
        return "fork point"
    return "before" if step.number < case.step else "after"


def output_line(step: Step) -> str:
    """The first line of what a step gave: its error, the model's text or tool calls, or its value."""
    if step.error is not None:
        return first_line(f"{step.error.type}: {step.error.message}")
    if step.answer is not None:
        return answer_line(step.answer)
    if step.output is None:
        return ""
    shown = untagged(step.output)
    return first_line(shown if isinstance(shown, str) else compact(shown))


def answer_line(answer: Answer) -> str:
    """The first line of the text, or the tool calls where there is none."""
    return first_line(answer.text) or first_line(", ".join(call_line(call) for call in answer.tool_calls))


def call_line(call: ToolCall) -> str:
    """run_sql({"query": "SELECT 1"})."""
    arguments = call.arguments if isinstance(call.arguments, str) else compact(call.arguments)
    return f"{call.name}({arguments})"


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def pretty(value: object) -> str:
    """A value as indented JSON; a string that is not JSON stays as it is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=str)
