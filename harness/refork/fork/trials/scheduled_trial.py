"""Trials that somebody waits for, and the interface to which a branch reports them."""

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
    """A trial that is to run. ``number`` counts from 1 within its variant; ``result`` is what the caller waits for."""

    variant: Variant
    number: int
    result: "Future[Trial]" = field(default_factory=Future)

    def as_trial(self, **fields: object) -> Trial:
        """Return the trial with its result in ``fields``."""
        return Trial(variant=self.variant.name, number=self.number, **fields)  # type: ignore[arg-type]


class AnswerRecorder(Protocol):
    """The interface of a branch to the fork's case: it claims trials, and reports their results. Thread-safe."""

    def begin(self, scheduled: ScheduledTrial) -> bool:
        """Claim a trial before it runs: nobody can take it back then. Returns False if it is not wanted any more."""
        ...

    def record(self, scheduled: ScheduledTrial, trial: Trial) -> None:
        """Give a trial to the caller who waits for it."""
        ...

    def note_request(self, variant: str, request: Request) -> None:
        """Note the request that is sent to the model at the fork point for a variant."""
        ...

    def fail(self, problem: ReforkError) -> None:
        """Fail the whole case: none of its trials can be measured."""
        ...


def refuse(scheduled: Iterable[ScheduledTrial], problem: ReforkError) -> None:
    """Raise ``problem`` for whoever waits for one of these trials."""
    for each in scheduled:
        if each.result.running() or each.result.set_running_or_notify_cancel():
            each.result.set_exception(problem)


def cancel(scheduled: Iterable[ScheduledTrial]) -> None:
    """Cancel these trials for whoever waits for them."""
    for each in scheduled:
        each.result.cancel()
        each.result.set_running_or_notify_cancel()  # tells those who wait for it
