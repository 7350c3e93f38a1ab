"""Plans the trials of the items that were selected, waits for them, and ends gently."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Final

import pytest
from _pytest.skipping import evaluate_skip_marks
from refork.outcome import Outcome, Trial
from refork_evals.results import CaseResult, ScoredTrial

from pytest_refork import handover
from pytest_refork.asked import Asked, asked_key
from pytest_refork.judging import Judge, measured
from pytest_refork.measuring import Measurements
from pytest_refork.progress import Progress, make_progress
from pytest_refork.screen import captured, uncaptured
from pytest_refork.settings import Settings
from pytest_refork.subjects import Subject
from pytest_refork.trial import CaseTrial, case_trial


class Runner:
    """What items ask for their results."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.judge: Final = Judge(settings.project.alpha)
        self._config = config
        self._measurements = _measurements(config, settings)
        self._subjects: dict[str, Subject] = {}
        self._left: set[str] = set()
        self._ended = False

    @cached_property
    def _progress(self) -> Progress:
        # Not before the first item: pytest makes its terminal reporter after this plugin is configured.
        return make_progress(self._config)

    def plan_all(self, items: Iterable[pytest.Item], *, complete: bool = False) -> None:
        """Fork the cases of these items and plan their trials, ahead of the items.

        ``complete`` says that there will be no others: each fork ends with its last trial, and DBOS with
        the last item.
        """
        wanted: dict[str, list[Asked]] = {}
        for item in items:
            if asked_key in item.stash and not is_skipped(item):
                asked = item.stash[asked_key]
                wanted.setdefault(asked.subject.name, []).append(asked)
                self._left |= {item.nodeid} if complete else set()
        with captured(self._config):
            for same in wanted.values():
                self._subjects.setdefault(same[0].subject.name, same[0].subject)
                self._measurements.plan(same[0].subject, [asked.variant for asked in same])
            if complete:
                self._measurements.complete()

    def measure(self, asked: Asked) -> CaseResult:
        """The result of a case, as soon as all of it that was planned is measured."""
        subject = asked.subject
        self._measurements.wait(subject, self._tick)
        self._progress.clear()
        return self.judge.score(subject, self._outcome(subject), self._measurements.planned(subject))

    def trial(self, asked: Asked, number: int) -> Trial | None:
        """One trial of a test function, waited for; None where there is none to come."""
        with captured(self._config):
            trial = self._measurements.trial(asked.subject, asked.variant, number, self._tick)
        self._progress.clear()
        return trial

    def given(self, asked: Asked, trial: Trial) -> CaseTrial:
        """What the test function gets of a trial."""
        request = self._outcome(asked.subject).requests.get(trial.variant)
        return case_trial(asked.subject.case, trial, request)

    def take(self, asked: Asked, scored: Sequence[ScoredTrial]) -> CaseResult:
        """Keep what a test function said."""
        return self.judge.take(asked.subject, self._outcome(asked.subject), asked.variant, scored)

    def finished(self, nodeid: str) -> None:
        """An item was reported. With the last one DBOS ends, so that tests after it can launch their own."""
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
        for step in (self._stop, self._score_the_rest):
            with suppress(KeyboardInterrupt), captured(self._config):
                step()
        with captured(self._config):
            self.close()

    def close(self) -> None:
        """End every fork. Answers in flight are lost."""
        self._measurements.close()

    def _stop(self) -> None:
        running = self._measurements.counts.running
        if running:
            answers = "1 answer" if running == 1 else f"{running} answers"
            self._say(f"waiting for {answers} in flight, Ctrl-C again to drop them")
        self._measurements.stop()

    def _score_the_rest(self) -> None:
        for subject in self._subjects.values():
            outcome = self._outcome(subject)
            names = [name for name in self._measurements.planned(subject) if measured(outcome, name)]
            if subject.scorers and names:
                self.judge.score(subject, outcome, names)

    def _outcome(self, subject: Subject) -> Outcome:
        return self._measurements.outcome(subject)

    def _tick(self) -> None:
        self._progress.show(self._measurements.counts)

    def _say(self, text: str) -> None:
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if isinstance(reporter, pytest.TerminalReporter) and not handover.worker_id(self._config):
            with uncaptured(self._config):
                reporter.ensure_newline()
                reporter.write_line(text)


def is_skipped(item: pytest.Item) -> bool:
    """Whether a mark skips the item: its trials are not paid for."""
    try:
        return evaluate_skip_marks(item) is not None
    except pytest.fail.Exception:
        return False  # a condition that does not evaluate is an error of the item's setup


def _measurements(config: pytest.Config, settings: Settings) -> Measurements:
    # The limit holds over all workers: each takes its share.
    share = max(1, settings.project.concurrency // handover.worker_count(config))
    return Measurements(settings, slot=handover.worker_id(config), concurrency=share)
