"""Runs the forks of a session: every trial is scheduled ahead, and awaited when its item is reported."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from refork.answer_cache import Store
from refork.errors import ReforkError
from refork.imports import without_garbage_collection
from refork.records.outcome import ForkStatus, Outcome, Trial
from refork.tool_policy.stubs import check_stubs, registered_stubs

from refork_evals.evaluation.measured_case import MeasuredCase
from refork_evals.evaluation.pace import Counts, Pace
from refork_evals.evaluation.pending_trials import PendingTrials
from refork_evals.evaluation.settings import Settings

if TYPE_CHECKING:
    from refork.fork import CaseFork, ForkSession

_TICK = 0.2


class TrialRunner:
    """Schedules and awaits trials. Opens DBOS with the first scheduled trial. Called only from pytest's own thread."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        slot: str,
        concurrency: int,
        on_trial: Callable[[Trial], None],
    ) -> None:
        self._project = settings.project
        self._store = store
        self._on_trial = on_trial
        self._pace = Pace(concurrency)
        self._slot = slot
        self._concurrency = concurrency
        self._stack = ExitStack()
        self._session: ForkSession | None = None
        # By the folder of the case: tests that share a case share its fork.
        self._forks: dict[Path, CaseFork] = {}
        self._problems: dict[Path, ReforkError] = {}
        self._futures: dict[str, dict[str, list[Future[Trial]]]] = {}
        self._pending = PendingTrials()
        self.problem: ReforkError | None = None
        self._reported_at: str | None = None

    @property
    def note(self) -> str:
        """The message about the evals database; empty if there is none."""
        return "" if self._session is None else self._session.note

    @property
    def trouble(self) -> str:
        """The message about answers that would not outlive the session; empty if they would."""
        return self._store.trouble

    def check(self, measured_cases: Iterable[MeasuredCase]) -> None:
        """Check before anything is paid that the project's rules about tools are possible in these cases."""
        cases = [measured_case.case for measured_case in measured_cases]
        if self._session is not None or not any(case.scope == "tail" for case in cases):
            return
        session = self._opened()
        try:
            if session is not None:
                session.check(cases)
        except ReforkError as error:
            self.close()
            self.problem = error

    def schedule(self, measured_case: MeasuredCase, variant: str, trials: int) -> None:
        """Schedule this many more trials of a variant."""
        scheduled = self._futures.setdefault(measured_case.name, {}).setdefault(variant, [])
        fork = self._fork(measured_case)
        if fork is not None:
            self._pace.expect(measured_case.case, trials)
            more = fork.run(measured_case.variant(variant), trials)
            self._pending.add(more)
            scheduled += more

    def scheduled(self, measured_case: MeasuredCase) -> Mapping[str, int]:
        """Return how many trials of each variant are scheduled so far."""
        return {name: len(futures) for name, futures in self._futures.get(measured_case.name, {}).items()}

    def done(self, measured_case: MeasuredCase, variant: str) -> bool:
        """Return whether all scheduled trials have ended."""
        return all(map(self._pending.has_ended, self._futures[measured_case.name][variant]))

    def given_up(self, measured_case: MeasuredCase, variant: str) -> bool:
        """Return whether some scheduled trials will never run, so that scheduling more of them is useless."""
        futures = self._futures[measured_case.name][variant]
        fork = self._forks.get(measured_case.case.folder)
        if fork is not None and fork.hopeless(variant):
            return True
        return not futures or any(self._pending.has_ended(each) and _result(each) is None for each in futures)

    def finish(self, measured_case: MeasuredCase) -> None:
        """Announce that a case needs no more trials: its fork ends with the last scheduled one."""
        fork = self._forks.get(measured_case.case.folder)
        if fork is not None:
            fork.close()

    def wait(self, measured_case: MeasuredCase, on_tick: Callable[[], None]) -> None:
        """Wait until a trial of a measured case ends, or for a moment; ``on_tick`` is called then."""
        scheduled = self._futures[measured_case.name].values()
        if not all(self._pending.has_ended(future) for futures in scheduled for future in futures):
            self._pending.wait(_TICK)
        on_tick()

    def trial(
        self, measured_case: MeasuredCase, variant: str, number: int, on_tick: Callable[[], None]
    ) -> Trial | None:
        """Wait for a trial and return it; None if it was not measured. ``number`` counts from 1."""
        futures = self._futures[measured_case.name][variant]
        if number > len(futures):
            return None
        future = futures[number - 1]
        while not self._pending.has_ended(future):
            self._pending.wait(_TICK)
            on_tick()
        trial = _result(future)
        return None if trial is None else replace(trial, number=number)

    def outcome(self, measured_case: MeasuredCase) -> Outcome:
        """Return what has been measured of a case so far, with its trials numbered from 1."""
        fork = self._forks.get(measured_case.case.folder)
        if fork is not None:
            return replace(fork.outcome(), case=measured_case.name, trials=self._trials(measured_case))
        return Outcome(case=measured_case.name, status=ForkStatus.ERROR, reason=self._why_not(measured_case))

    def _why_not(self, measured_case: MeasuredCase) -> str:
        if self.problem is not None:
            self._reported_at = self._reported_at or measured_case.name
            said_here = self._reported_at == measured_case.name
            return (
                str(self.problem) if said_here else f"no session could be opened, see {self._reported_at!r}"
            )
        problem = self._problems.get(measured_case.case.folder)
        return str(problem) if problem else "the session ended before its fork was made"

    def _trials(self, measured_case: MeasuredCase) -> tuple[Trial, ...]:
        scheduled = self._futures.get(measured_case.name, {}).values()
        numbered = [pair for futures in scheduled for pair in enumerate(futures, 1)]
        known = ((number, _result(future)) for number, future in numbered)
        return tuple(replace(trial, number=number) for number, trial in known if trial is not None)

    @property
    def counts(self) -> Counts:
        futures = [
            each for scheduled in self._futures.values() for some in scheduled.values() for each in some
        ]
        ended = [future for future in futures if self._pending.has_ended(future)]
        done = sum(not future.cancelled() for future in ended)
        started = any(fork.arrived for fork in self._forks.values())
        waiting = len(futures) - len(ended) if started else 0
        return Counts(
            done=done,
            scheduled=len(futures),
            running=min(self._concurrency, waiting),
            paid=self._pace.paid,
            seconds_left=self._pace.seconds_left(waiting),
        )

    def stop(self) -> None:
        """Start no more trials, and wait for those in flight."""
        if self._session is not None:
            self._session.stop()

    def close(self) -> None:
        """End every fork, and DBOS with them."""
        self._session = None
        self._stack.close()

    def _fork(self, measured_case: MeasuredCase) -> "CaseFork | None":
        folder = measured_case.case.folder
        if folder not in self._forks and folder not in self._problems:
            session = self._opened()
            try:
                if session is not None:
                    self._forks[folder] = session.fork(measured_case.case, on_trial=self._end)
            except ReforkError as error:
                self._problems[folder] = error
        return self._forks.get(folder)

    def _end(self, trial: Trial) -> None:
        """Called from DBOS's threads when a trial ends."""
        self._pace.record(trial)
        self._on_trial(trial)

    def _opened(self) -> "ForkSession | None":
        if self._session is None and self.problem is None:
            try:
                self._session = self._stack.enter_context(self._open())
            except ReforkError as error:
                self.problem = error
        return self._session

    def _open(self) -> "AbstractContextManager[ForkSession]":
        with without_garbage_collection():
            from refork.fork import open_project  # noqa: PLC0415 - DBOS takes a second to import
        check_stubs(self._project.tool_policy)
        return open_project(
            self._project,
            slot=self._slot,
            database=self._project.db,
            answers=self._store,
            concurrency=self._concurrency,
            stubs=registered_stubs(),
        )


def _result(future: Future[Trial]) -> Trial | None:
    """Return the trial; None if it has not arrived or never will."""
    if not future.done() or future.cancelled() or future.exception() is not None:
        return None
    return future.result()
