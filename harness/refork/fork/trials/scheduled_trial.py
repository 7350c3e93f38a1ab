"""Trials that were asked for, and what becomes of each."""

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from refork.errors import ReforkError
from refork.records import Request
from refork.records.outcome import Trial
from refork.records.variant import Variant


@dataclass(frozen=True, kw_only=True, eq=False)
class ScheduledTrial:
    """A trial that somebody waits for."""

    variant: Variant
    number: int
    result: "Future[Trial]" = field(default_factory=Future)

    def as_trial(self, **fields: object) -> Trial:
        """The trial, with what it came to."""
        return Trial(variant=self.variant.name, number=self.number, **fields)  # type: ignore[arg-type]


class AnswerRecorder(Protocol):
    """Where a branch asks for its trials and leaves what they came to."""

    def begin(self, scheduled: ScheduledTrial) -> bool:
        """Whether the trial is still wanted; from now on nobody can take it back."""
        ...

    def record(self, scheduled: ScheduledTrial, trial: Trial) -> None: ...

    def note_request(self, variant: str, request: Request) -> None:
        """What is sent to the model at the fork point for a variant."""
        ...

    def fail(self, problem: ReforkError) -> None:
        """Nothing of the case can be measured."""
        ...


def refuse(scheduled: Iterable[ScheduledTrial], problem: ReforkError) -> None:
    for each in scheduled:
        if each.result.running() or each.result.set_running_or_notify_cancel():
            each.result.set_exception(problem)


def cancel(scheduled: Iterable[ScheduledTrial]) -> None:
    for each in scheduled:
        each.result.cancel()
        each.result.set_running_or_notify_cancel()  # tells those who wait for it
