"""Shows the steps of a recorded run along its time, and where it forks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from refork.records import Case, Step

from refork_reports.sentences.steps import output_line

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
    """Return the timeline of the recorded run, with eight steps on both sides of the fork point."""
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
