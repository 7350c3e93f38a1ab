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

    def said(self, **what: object) -> Trial:
        """The trial, with what it came to."""
        return Trial(variant=self.variant.name, number=self.number, **what)  # type: ignore[arg-type]


class AnswerRecorder(Protocol):
    """Where a branch asks for its trials and leaves what they came to."""

    def begin(self, planned: ScheduledTrial) -> bool:
        """Whether the trial is still wanted; from now on nobody can take it back."""
        ...

    def give(self, planned: ScheduledTrial, trial: Trial) -> None: ...

    def sent(self, variant: str, request: Request) -> None:
        """What is sent to the model at the fork point for a variant."""
        ...

    def fail(self, problem: ReforkError) -> None:
        """Nothing of the case can be measured."""
        ...

    def fail_prefix(self, prefix: str, problem: ReforkError) -> None:
        """Nothing can be measured of the variants that change this before the fork point."""
        ...


def refuse(planned: Iterable[ScheduledTrial], problem: ReforkError) -> None:
    for each in planned:
        if each.result.running() or each.result.set_running_or_notify_cancel():
            each.result.set_exception(problem)


def cancel(planned: Iterable[ScheduledTrial]) -> None:
    for each in planned:
        each.result.cancel()
        each.result.set_running_or_notify_cancel()  # tells those who wait for it
