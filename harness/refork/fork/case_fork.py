"""Schedules the trials of one case, and distributes them over one DBOS fork or several."""

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
from refork.records.outcome import ForkStatus, Outcome, Trial
from refork.records.variant import Variant


class TrialBranch(Protocol):
    """A fork that takes trials of one case."""

    @property
    def run_id(self) -> str:
        """The fork's workflow id in the evals database."""
        ...

    @property
    def arrived(self) -> bool:
        """True once the fork has reached its fork point and its trials may run."""
        ...

    def add(self, scheduled: Sequence[ScheduledTrial]) -> None:
        """Run these trials, too, now or once the fork has reached its fork point."""
        ...

    def close(self) -> None:
        """Accept no more trials, and end after the last one."""
        ...

    def stop(self) -> Sequence[ScheduledTrial]:
        """Start no more trials. Returns those that had not started; those in flight continue."""
        ...

    def fail(self, problem: ReforkError) -> None:
        """End the fork with an error."""
        ...

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the fork is over, or for so many seconds. Returns whether it is over."""
        ...


class ForkStrategy(Protocol):
    """Decides which trials of a case share a DBOS fork, and makes these forks."""

    @property
    def forks_at_once(self) -> bool:
        """True if the first fork is made before any trial is scheduled, so that it replays meanwhile."""
        ...

    def key(self, scheduled: ScheduledTrial, /) -> Hashable:
        """Return the key of the trial's fork: trials with the same key share one."""
        ...

    def open(self, recorder: AnswerRecorder, scheduled: ScheduledTrial, /) -> TrialBranch:
        """Make the fork for a trial. Raises ReforkError."""
        ...


class CaseFork:
    """The trials of one case. It accepts more of them until it is closed. Safe to call from any thread."""

    def __init__(
        self, case: Case, strategy: ForkStrategy, *, on_trial: Callable[[Trial], None] | None = None
    ) -> None:
        self.case = case
        self.started_at = time.monotonic()
        self._strategy = strategy
        self._on_trial = on_trial
        self._lock = Lock()
        self._opening = Lock()
        self._branches: dict[Hashable, TrialBranch] = {}
        self._unanswered: set[ScheduledTrial] = set()
        self._closing = False
        self._stopping = False
        self._problem: ReforkError | None = None
        self._requests: dict[str, Request] = {}
        self._trials: list[Trial] = []
        self._numbers: dict[str, int] = {}
        self._alike = EndedAlike()
        self._ended_at: float | None = None

    @property
    def arrived(self) -> bool:
        """True once a fork of the case has reached its fork point."""
        return any(branch.arrived for branch in self._open())

    def run(self, variant: Variant, trials: int) -> Sequence["Future[Trial]"]:
        """Schedule more trials of a variant. Each future returns a Trial, or raises what stopped the fork.

        Cancelling a future before its trial starts takes the trial back. After ``close`` or ``stop`` the returned
        futures are cancelled.
        """
        with self._lock:
            first = self._numbers.get(variant.name, 0) + 1
            self._numbers[variant.name] = first + trials - 1
            scheduled = [ScheduledTrial(variant=variant, number=first + i) for i in range(trials)]
            problem, late = self._problem, self._closing or self._ended_at is not None
            if problem is None and not late:
                self._unanswered.update(scheduled)
        if problem is not None:
            refuse(scheduled, problem)
        elif late:
            cancel(scheduled)
        else:
            self._hand_over(scheduled)
        return [each.result for each in scheduled]

    def open(self, variant: Variant) -> TrialBranch:
        """Return the fork for a variant's first trial, and make it if there is none yet. Raises ReforkError."""
        return self._branch(ScheduledTrial(variant=variant, number=1))

    def close(self) -> None:
        """Accept no more trials: the forks end when those that were scheduled are done."""
        with self._lock:
            self._closing = True
        for branch in self._open():
            branch.close()

    def stop(self) -> None:
        """Start no more trials. Those in flight continue, because their answers are already being paid for."""
        with self._lock:
            self._stopping = self._closing = True
        for branch in self._open():
            with self._lock:
                dropped = self._unanswered.intersection(branch.stop())
                self._unanswered -= dropped
            cancel(dropped)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until all forks are over, or for so many seconds. Returns whether the case is over."""
        until = None if seconds is None else time.monotonic() + seconds
        for branch in self._open():
            if not branch.wait(None if until is None else max(0.0, until - time.monotonic())):
                return False
        with self._lock:
            over = self._closing or self._problem is not None
            self._ended_at = self._ended_at or (time.monotonic() if over else None)
        return over

    def outcome(self) -> Outcome:
        """Return what was measured up to now."""
        with self._lock:
            problem, trials = self._problem, tuple(sorted(self._trials, key=lambda t: (t.variant, t.number)))
        status = ForkStatus.MEASURED
        if problem is not None:
            status = ForkStatus.STALE if isinstance(problem, StaleError) else ForkStatus.ERROR
        return Outcome(
            case=self.case.name,
            status=status,
            reason=str(problem) if problem else "",
            run_id=next((branch.run_id for branch in self._open()), None),
            requests=dict(self._requests),
            trials=trials,
            seconds=(self._ended_at or time.monotonic()) - self.started_at,
        )

    # :class:`AnswerRecorder`, called by the branches from DBOS's threads and event loops.

    def begin(self, scheduled: ScheduledTrial) -> bool:
        """Claim a trial before it runs: nobody can take it back then. Returns False if it is not to run.

        A trial of a variant whose trials all ended with the same error gets that error instead of running.
        """
        with self._lock:
            if scheduled not in self._unanswered:
                return False
            hopeless = self._alike.hopeless(scheduled.variant.name)
            if self._stopping:
                scheduled.result.cancel()
            begun = scheduled.result.set_running_or_notify_cancel()
            if not begun:
                self._unanswered.remove(scheduled)
        if begun and hopeless is not None:
            self.record(scheduled, scheduled.as_trial(error=hopeless))
        return begun and hopeless is None

    def hopeless(self, variant: str) -> bool:
        """Return whether a variant is given up, because its trials all ended with the same error."""
        return self._alike.hopeless(variant) is not None

    def record(self, scheduled: ScheduledTrial, trial: Trial) -> None:
        """Give a trial, without its secrets, to whoever waits for it. Does nothing if it was given before."""
        trial = hidden_trial(trial)
        with self._lock:
            if scheduled not in self._unanswered:
                return
            self._unanswered.remove(scheduled)
            self._trials.append(trial)
            self._alike.note(trial)
        scheduled.result.set_result(trial)
        if self._on_trial is not None:
            with suppress(Exception):  # an error of the listener must not lose the answer
                self._on_trial(trial)

    def note_request(self, variant: str, request: Request) -> None:
        """Note the request at the fork point for a variant, without its secrets."""
        self._requests[variant] = hidden_request(request)

    def fail(self, problem: ReforkError) -> None:
        """Fail the case: raise the error for every scheduled trial, and for those that are scheduled later."""
        problem = hidden_problem(problem)
        with self._lock:
            known, self._problem = self._problem, self._problem or problem
            unanswered, self._unanswered = self._unanswered, set()
        refuse(unanswered, problem)
        if known is None:
            for branch in self._open():
                branch.fail(problem)

    def _hand_over(self, scheduled: Sequence[ScheduledTrial]) -> None:
        shared: dict[Hashable, list[ScheduledTrial]] = {}
        for each in scheduled:
            shared.setdefault(self._strategy.key(each), []).append(each)
        try:
            for some in shared.values():
                self._branch(some[0]).add(some)
        except ReforkError as error:
            self.fail(error)

    def _branch(self, scheduled: ScheduledTrial) -> TrialBranch:
        key = self._strategy.key(scheduled)
        with self._opening:
            if key not in self._branches:
                self._branches[key] = self._strategy.open(self, scheduled)
            return self._branches[key]

    def _open(self) -> list[TrialBranch]:
        return list(self._branches.values())
