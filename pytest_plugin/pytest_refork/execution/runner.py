"""Runs the suite of a pytest session: schedules the trials of the selected items, waits for them, and ends gently."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property

import pytest
from refork.answer_cache import Store
from refork.records.outcome import Trial
from refork_evals.estimation.estimate import SuiteEstimate
from refork_evals.estimation.estimating import estimate_of
from refork_evals.evaluation.case_plans import CasePlans
from refork_evals.evaluation.kept_answers.answer_writer import Unscored
from refork_evals.evaluation.measured_case import MeasuredCase
from refork_evals.evaluation.settings import Settings
from refork_evals.evaluation.suite import Suite
from refork_evals.results import CaseResult, ScoredTrial

from pytest_refork._pytest_compat import TerminalReporter, evaluate_skip_marks
from pytest_refork.execution.deadlines import Deadlines
from pytest_refork.execution.trial_context import CaseTrial, case_trial
from pytest_refork.item_outcome import RequestedCell, cell_key
from pytest_refork.reporting.progress import Progress, make_progress
from pytest_refork.reporting.screen import captured, uncaptured
from pytest_refork.xdist import shared_budget
from pytest_refork.xdist.worker_channel import Shared
from pytest_refork.xdist.worker_results import worker_count, worker_id


class Runner:
    """Supplies the results of items."""

    def __init__(
        self, config: pytest.Config, settings: Settings, store: Store, shared: Shared, deadlines: Deadlines
    ) -> None:
        self._config = config
        self._shared = shared
        self._store = store
        self._project = settings.project
        self._deadlines = deadlines
        self._budget = shared_budget.open_budget(config, settings.project)
        # The limit holds over all workers: each takes its share.
        share = max(1, settings.project.concurrency // worker_count(config))
        self._suite = Suite(settings, store, self._budget, slot=worker_id(config), concurrency=share)
        self._left: set[str] = set()
        self._said: set[str] = set()
        self._ended = False

    @cached_property
    def _progress(self) -> Progress:
        # Not before the first item: pytest makes its terminal reporter after this plugin is configured.
        return make_progress(self._config)

    @property
    def plans(self) -> CasePlans:
        return self._suite.plans

    @property
    def results(self) -> tuple[CaseResult, ...]:
        """The results of the cases of which anything was decided, in the order in which they came."""
        return self._suite.scores.results

    def plan_all(self, items: Iterable[pytest.Item], *, complete: bool = False) -> None:
        """Fork the cases of these items and schedule their first trials, ahead of the items.

        ``complete`` says that there will be no others: each fork ends with its last trial, and DBOS with
        the last item.
        """
        wanted: dict[str, list[RequestedCell]] = {}
        for item in items:
            if cell_key in item.stash and not is_skipped(item):
                requested = item.stash[cell_key]
                wanted.setdefault(requested.measured_case.name, []).append(requested)
                self._left |= {item.nodeid} if complete else set()
        if complete:
            self._suite.complete()
        with captured(self._config):
            self._suite.add(
                [
                    (same[0].measured_case, [requested.variant for requested in same])
                    for same in wanted.values()
                ]
            )
        self._say_notes()

    def estimate(self, requested: Iterable[RequestedCell]) -> SuiteEstimate:
        """Estimate what these items take. Raises ReforkError."""
        wanted: dict[str, tuple[MeasuredCase, list[str]]] = {}
        for each in requested:
            case = each.measured_case
            wanted.setdefault(case.name, (case, []))[1].append(each.variant)
        return estimate_of(list(wanted.values()), self.plans, self._store, self._project)

    def measure(self, requested: RequestedCell) -> CaseResult:
        """Return the result of a case once all of its variants are decided. Other cases continue meanwhile."""
        self._suite.measure(requested.measured_case, self._tick)
        self._progress.clear()
        self._skip_unless_measured(requested)
        return self._suite.scores.result(requested.measured_case)

    def trial(self, requested: RequestedCell, number: int) -> Trial | None:
        """Wait for a trial of a test function and return it; None if it will not come."""
        with captured(self._config):
            trial = self._suite.trial(requested.measured_case, requested.variant, number, self._tick)
        self._progress.clear()
        return trial

    def is_scheduled(self, requested: RequestedCell, number: int) -> bool:
        return number <= self._suite.scheduled(requested.measured_case, requested.variant)

    def schedule_more(self, requested: RequestedCell, scored: Sequence[ScoredTrial]) -> bool:
        """Schedule the trials that a test function needs after these, and return whether there are any."""
        return not self.is_told_to_stop and self._suite.schedule_more(
            requested.measured_case, requested.variant, scored
        )

    def given(self, requested: RequestedCell, trial: Trial) -> CaseTrial:
        """Return the value of the fixture ``trial`` for a trial."""
        request = self._suite.outcome(requested.measured_case).requests.get(trial.variant)
        return case_trial(requested.measured_case.case, trial, request)

    def take(self, requested: RequestedCell, scored: Sequence[ScoredTrial]) -> CaseResult:
        """Store the scores from a test function."""
        self._skip_unless_measured(requested)
        return self._suite.take(requested.measured_case, requested.variant, scored)

    def _skip_unless_measured(self, requested: RequestedCell) -> None:
        if self._suite.is_stopped and not self._suite.has_measured(
            requested.measured_case, requested.variant
        ):
            pytest.skip("stopped before anything was measured")

    @property
    def is_told_to_stop(self) -> bool:
        """True if the pytest-xdist controller stopped this worker: it then starts nothing new."""
        if not self._suite.is_stopped and self._shared.is_stopped:
            self._suite.stop()
        return self._suite.is_stopped

    def finished(self, nodeid: str) -> None:
        """Note that an item was reported. After the last one DBOS ends, so that later tests can launch their own."""
        if nodeid in self._left:
            self._left.discard(nodeid)
            if not self._left:
                self.end()

    def end(self) -> None:
        """Stop gently, and score what was measured for items that were not reported. A Ctrl-C cuts it short."""
        self._progress.clear()
        if self._ended:
            return
        self._ended = True
        # Who was told to stop has waited already, or was told not to by a second Ctrl-C.
        rest = self._suite.score_the_rest
        for step in (rest,) if self._suite.is_stopped else (self._wait_for_trials_in_flight, rest):
            with suppress(KeyboardInterrupt), captured(self._config):
                step()
        with captured(self._config):
            self.close()

    @property
    def unscored(self) -> tuple[Unscored, ...]:
        """The measured trials that no test scored, for example in an interrupted session."""
        return self._suite.unscored

    def close(self) -> None:
        """End every fork. Answers in flight are lost."""
        self._suite.close()

    def forget_budget(self) -> None:
        self._budget.close()

    @property
    def shared(self) -> dict[str, str]:
        """The values that a pytest-xdist worker needs to share one budget with the others."""
        return shared_budget.for_workers(self._budget)

    def _wait_for_trials_in_flight(self) -> None:
        running = self._suite.counts.running
        if running:
            answers = "1 answer" if running == 1 else f"{running} answers"
            self._say(f"waiting for {answers} in flight, Ctrl-C again to drop them")
        self._suite.wait_for_trials_in_flight()

    def _tick(self) -> None:
        if not self.is_told_to_stop:
            self._suite.stops()
        self._say_notes()
        self._progress.show(self._suite.counts)
        if self._deadlines.is_over:
            self._progress.clear()
            self._deadlines.fail()

    def say(self, lines: Iterable[str]) -> None:
        """Print lines, past pytest's capturing."""
        for line in lines:
            self._say(line)

    def _say_notes(self) -> None:
        for text in self._suite.notes:
            if text not in self._said:
                self._said.add(text)
                self._say(f"agent evals: {text}")

    def _say(self, text: str) -> None:
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if isinstance(reporter, TerminalReporter) and not worker_id(self._config):
            with uncaptured(self._config):
                reporter.ensure_newline()
                reporter.write_line(text)
                reporter.flush()  # a pipe may be read by somebody who waits


def is_skipped(item: pytest.Item) -> bool:
    """Return whether a mark skips the item, so that its trials are not run."""
    try:
        return evaluate_skip_marks(item) is not None
    except pytest.fail.Exception:
        return False  # a condition that does not evaluate is an error of the item's setup
