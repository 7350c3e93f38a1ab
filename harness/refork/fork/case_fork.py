"""A case while its trials run: planned from the outside, spread over one DBOS fork or several."""

import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from threading import Lock
from typing import Protocol

from refork.errors import ReforkError, StaleError
from refork.fork.secret_filters.secret_filter import hidden_problem, hidden_request, hidden_trial
from refork.fork.trials.repeated_endings import EndedAlike
from refork.fork.trials.scheduled_trial import AnswerRecorder, ScheduledTrial, cancel, refuse
from refork.records import Case, Request
from refork.records.outcome import ForkStatus, Outcome, Trial, Unmeasured
from refork.records.variant import Variant


class TrialBranch(Protocol):
    """A fork that takes trials of one case."""

    @property
    def run_id(self) -> str:
        """Its workflow id in the evals database."""
        ...

    @property
    def arrived(self) -> bool:
        """Whether its trials have begun."""
        ...

    def add(self, planned: Sequence[ScheduledTrial]) -> None: ...

    def close(self) -> None:
        """Take no more; end with the last."""
        ...

    def stop(self) -> Sequence[ScheduledTrial]:
        """Begin no more, wait for those in flight. Gives those that were dropped."""
        ...

    def fail(self, problem: ReforkError) -> None: ...

    def wait(self, seconds: float | None = None) -> bool: ...


class Spread(Protocol):
    """How the trials of a case are spread over DBOS forks: those with the same key share one."""

    def key(self, planned: ScheduledTrial, /) -> Hashable: ...

    def open(self, keeper: AnswerRecorder, planned: ScheduledTrial, /) -> TrialBranch:
        """Fork once more. Raises ReforkError."""
        ...


class CaseFork:
    """One case's trials, open for more until it is closed. Safe to call from any thread."""

    def __init__(
        self, case: Case, spread: Spread, *, on_trial: Callable[[Trial], None] | None = None
    ) -> None:
        self.case = case
        self.started_at = time.monotonic()
        self._spread = spread
        self._on_trial = on_trial
        self._lock = Lock()
        self._opening = Lock()
        self._branches: dict[Hashable, TrialBranch] = {}
        self._unanswered: set[ScheduledTrial] = set()
        self._closing = False
        self._stopping = False
        self._problem: ReforkError | None = None
        self._prefix_problems: dict[str, ReforkError] = {}
        self._prefixes: dict[str, str] = {}
        self._requests: dict[str, Request] = {}
        self._trials: list[Trial] = []
        self._numbers: dict[str, int] = {}
        self._alike = EndedAlike()
        self._ended_at: float | None = None

    @property
    def arrived(self) -> bool:
        """Whether any of its trials have begun."""
        return any(branch.arrived for branch in self._open())

    def run(self, variant: Variant, trials: int) -> Sequence["Future[Trial]"]:
        """Plan so many more trials of a variant. Each future gives a Trial, or raises what stopped the fork.

        A future that is cancelled before its trial began takes the trial back. A fork that was closed or
        stopped takes none: its futures are cancelled.
        """
        with self._lock:
            first = self._numbers.get(variant.name, 0) + 1
            self._numbers[variant.name] = first + trials - 1
            planned = [ScheduledTrial(variant=variant, number=first + i) for i in range(trials)]
            self._prefixes[variant.name] = variant.prefix
            problem = self._problem or self._prefix_problems.get(variant.prefix)
            late = self._closing or self._ended_at is not None
            if problem is None and not late:
                self._unanswered.update(planned)
        if problem is not None:
            refuse(planned, problem)
        elif late:
            cancel(planned)
        else:
            self._hand_over(planned)
        return [each.result for each in planned]

    def open(self, variant: Variant) -> TrialBranch:
        """The fork for a variant's first trial, made now if it is not there. Raises ReforkError."""
        return self._branch(ScheduledTrial(variant=variant, number=1))

    def close(self) -> None:
        """Take no more trials: the fork ends when those that were planned are done."""
        with self._lock:
            self._closing = True
        for branch in self._open():
            branch.close()

    def stop(self) -> None:
        """Start no more trials; those in flight are waited for, since their answers are being paid."""
        with self._lock:
            self._stopping = self._closing = True
        for branch in self._open():
            with self._lock:
                dropped = self._unanswered.intersection(branch.stop())
                self._unanswered -= dropped
            cancel(dropped)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the fork is over; whether it is."""
        until = None if seconds is None else time.monotonic() + seconds
        for branch in self._open():
            if not branch.wait(None if until is None else max(0.0, until - time.monotonic())):
                return False
        with self._lock:
            over = self._closing or self._problem is not None
            self._ended_at = self._ended_at or (time.monotonic() if over else None)
        return over

    def outcome(self) -> Outcome:
        """What was measured up to now."""
        with self._lock:
            problem, trials = self._problem, tuple(sorted(self._trials, key=lambda t: (t.variant, t.number)))
            unmeasured = {
                variant: Unmeasured(status=_status(own), reason=str(own))
                for variant, prefix in self._prefixes.items()
                if (own := self._prefix_problems.get(prefix)) is not None
            }
        return Outcome(
            case=self.case.name,
            status=ForkStatus.MEASURED if problem is None else _status(problem),
            reason=str(problem) if problem else "",
            run_id=next((branch.run_id for branch in self._open()), None),
            requests=dict(self._requests),
            trials=trials,
            seconds=(self._ended_at or time.monotonic()) - self.started_at,
            unmeasured=unmeasured,
        )

    # What its branches call, from DBOS's threads and loops.

    def begin(self, planned: ScheduledTrial) -> bool:
        """Whether the trial is still wanted; from now on nobody can take it back."""
        with self._lock:
            if planned not in self._unanswered:
                return False
            hopeless = self._alike.hopeless(planned.variant.name)
            if self._stopping:
                planned.result.cancel()
            begun = planned.result.set_running_or_notify_cancel()
            if not begun:
                self._unanswered.remove(planned)
        if begun and hopeless is not None:
            self.give(planned, planned.said(error=hopeless))
        return begun and hopeless is None

    def hopeless(self, variant: str) -> bool:
        """Whether trials of a variant ended alike for a reason that no further draw can change."""
        return self._alike.hopeless(variant) is not None

    def give(self, planned: ScheduledTrial, trial: Trial) -> None:
        """A trial's end, told to whoever waits for it. From here on nobody sees its secrets."""
        trial = hidden_trial(trial)
        with self._lock:
            if planned not in self._unanswered:
                return
            self._unanswered.remove(planned)
            self._trials.append(trial)
            self._alike.note(trial)
        planned.result.set_result(trial)
        if self._on_trial is not None:
            with suppress(Exception):  # whoever listens loses nobody an answer
                self._on_trial(trial)

    def sent(self, variant: str, request: Request) -> None:
        """What is sent to the model at the fork point for a variant."""
        self._requests[variant] = hidden_request(request)

    def fail(self, problem: ReforkError) -> None:
        """Nothing can be measured: tell every planned trial, and those to come."""
        problem = hidden_problem(problem)
        with self._lock:
            known, self._problem = self._problem, self._problem or problem
            unanswered, self._unanswered = self._unanswered, set()
        refuse(unanswered, problem)
        if known is None:
            for branch in self._open():
                branch.fail(problem)

    def fail_prefix(self, prefix: str, problem: ReforkError) -> None:
        """Nothing can be measured of the variants that change this before the fork point: tell their trials."""
        problem = hidden_problem(problem)
        with self._lock:
            self._prefix_problems.setdefault(prefix, problem)
            theirs = {each for each in self._unanswered if each.variant.prefix == prefix}
            self._unanswered -= theirs
        refuse(theirs, problem)

    def _hand_over(self, planned: Sequence[ScheduledTrial]) -> None:
        shared: dict[Hashable, list[ScheduledTrial]] = {}
        for each in planned:
            shared.setdefault(self._spread.key(each), []).append(each)
        prefix = planned[0].variant.prefix if planned else ""
        try:
            for some in shared.values():
                self._branch(some[0]).add(some)
        except ReforkError as error:
            if prefix:
                self.fail_prefix(prefix, error)
            else:
                self.fail(error)

    def _branch(self, planned: ScheduledTrial) -> TrialBranch:
        key = self._spread.key(planned)
        with self._opening:
            if key not in self._branches:
                self._branches[key] = self._spread.open(self, planned)
            return self._branches[key]

    def _open(self) -> list[TrialBranch]:
        return list(self._branches.values())


def _status(problem: ReforkError) -> ForkStatus:
    return ForkStatus.STALE if isinstance(problem, StaleError) else ForkStatus.ERROR
