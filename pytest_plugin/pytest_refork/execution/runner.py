"""Plans the trials of the items that were selected, waits for them, and ends gently."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Final

import pytest
from _pytest.skipping import evaluate_skip_marks
from _pytest.terminal import TerminalReporter
from refork.answer_cache import Store
from refork.records.outcome import Outcome, Trial
from refork_evals.results import CaseResult, ScoredTrial

from pytest_refork.answers.answer_writer import Unscored
from pytest_refork.collection.cells import Subject
from pytest_refork.execution.budget import INPUT as BUDGET_INPUT
from pytest_refork.execution.budget import Budget
from pytest_refork.execution.deadlines import Deadlines
from pytest_refork.execution.item_outcome import Asked, asked_key
from pytest_refork.execution.plans import Plans
from pytest_refork.execution.scoring import Judge, measured
from pytest_refork.execution.trial_context import CaseTrial, case_trial
from pytest_refork.execution.trial_runner import Measurements
from pytest_refork.reporting.progress import Progress, make_progress
from pytest_refork.reporting.screen import captured, uncaptured
from pytest_refork.settings import Settings
from pytest_refork.xdist import worker_results as handover
from pytest_refork.xdist.worker_channel import Shared


class Runner:
    """What items ask for their results."""

    def __init__(
        self, config: pytest.Config, settings: Settings, store: Store, shared: Shared, deadlines: Deadlines
    ) -> None:
        self.plans: Final = Plans(settings)
        self.judge: Final = Judge(
            self.plans, settings.project.min_pass_rate, unfinished=settings.project.unfinished
        )
        self._config = config
        self._shared = shared
        self._deadlines = deadlines
        self._budget = Budget.of(config, settings.project)
        self._measurements = _measurements(config, settings, store, self._budget)
        self._subjects: dict[str, Subject] = {}
        self._settled: set[tuple[str, str]] = set()
        self._left: set[str] = set()
        self._said: set[str] = set()
        self._complete = False
        self._stopped = False
        self._ended = False

    @cached_property
    def _progress(self) -> Progress:
        # Not before the first item: pytest makes its terminal reporter after this plugin is configured.
        return make_progress(self._config)

    def plan_all(self, items: Iterable[pytest.Item], *, complete: bool = False) -> None:
        """Fork the cases of these items and plan their first trials, ahead of the items.

        ``complete`` says that there will be no others: each fork ends with its last trial, and DBOS with
        the last item.
        """
        wanted: dict[str, list[Asked]] = {}
        for item in items:
            if asked_key in item.stash and not is_skipped(item):
                asked = item.stash[asked_key]
                wanted.setdefault(asked.subject.name, []).append(asked)
                self._left |= {item.nodeid} if complete else set()
        self._complete = self._complete or complete
        with captured(self._config):
            self._measurements.check(same[0].subject for same in wanted.values())
            for same in wanted.values():
                subject = self._subjects.setdefault(same[0].subject.name, same[0].subject)
                known = self._measurements.planned(subject)
                for asked in same:
                    if asked.variant not in known:
                        first = self.plans.of(subject, asked.variant).first
                        self._measurements.plan(subject, asked.variant, first)
        self._say_once(self._measurements.note)

    def measure(self, asked: Asked) -> CaseResult:
        """The result of a case, as soon as all of its variants are decided. Other cases go on meanwhile."""
        subject = asked.subject
        while True:
            self._advance(subject)
            if all(self._is_settled(subject, variant) for variant in self._measurements.planned(subject)):
                break
            self._measurements.wait(subject, self._tick)
        self._progress.clear()
        self._skip_unless_measured(asked)
        return self.judge.result(subject)

    def trial(self, asked: Asked, number: int) -> Trial | None:
        """One trial of a test function, waited for; None where it will not come."""
        with captured(self._config):
            trial = self._measurements.trial(asked.subject, asked.variant, number, self._tick)
        self._progress.clear()
        return trial

    def is_planned(self, asked: Asked, number: int) -> bool:
        return number <= self._measurements.planned(asked.subject)[asked.variant]

    def plan_more(self, asked: Asked, scored: Sequence[ScoredTrial]) -> bool:
        """Plan what a test function needs after these trials; whether that is any."""
        subject, variant = asked.subject, asked.variant
        if self._stops() or self._measurements.given_up(subject, variant):
            return False
        more = self.judge.more(subject, self._outcome(subject), variant, scored)
        if more:
            self._measurements.plan(subject, variant, more)
        return bool(more)

    def given(self, asked: Asked, trial: Trial) -> CaseTrial:
        """What the test function gets of a trial."""
        request = self._outcome(asked.subject).requests.get(trial.variant)
        return case_trial(asked.subject.case, trial, request)

    def take(self, asked: Asked, scored: Sequence[ScoredTrial]) -> CaseResult:
        """Keep what a test function said."""
        subject, variant = asked.subject, asked.variant
        self._skip_unless_measured(asked)
        planned = self._measurements.planned(subject)[variant]
        self.judge.take(subject, self._outcome(subject), variant, scored, planned=planned)
        self._settle(subject, variant)
        return self.judge.result(subject)

    def _skip_unless_measured(self, asked: Asked) -> None:
        if self._stopped and not measured(self._outcome(asked.subject), asked.variant):
            pytest.skip("stopped before anything was measured")

    @property
    def is_told_to_stop(self) -> bool:
        """Whether the controller of pytest-xdist said so: then nothing new starts here."""
        if not self._stopped and self._shared.is_stopped:
            self._stopped = True
            self._measurements.stop()
        return self._stopped

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
        # Who was told to stop has waited already, or was told not to by a second Ctrl-C.
        for step in (self._score_the_rest,) if self._stopped else (self._stop, self._score_the_rest):
            with suppress(KeyboardInterrupt), captured(self._config):
                step()
        with captured(self._config):
            self.close()

    @property
    def unscored(self) -> tuple[Unscored, ...]:
        """What was measured for tests that did not get to look at it, as in a session that was interrupted."""
        told = {
            (result.case.name, trial.variant, trial.number)
            for result in self.judge.results
            for trial in (result.outcome.trials if result.outcome is not None else ())
        }
        return tuple(
            Unscored(folder=subject.case.folder, trial=trial)
            for subject in self._subjects.values()
            for trial in self._outcome(subject).trials
            if (subject.name, trial.variant, trial.number) not in told
        )

    def close(self) -> None:
        """End every fork. Answers in flight are lost."""
        self._measurements.close()

    def forget_budget(self) -> None:
        self._budget.close()

    @property
    def shared(self) -> dict[str, str]:
        """What a worker of pytest-xdist is given, so that all spend from one budget."""
        return {BUDGET_INPUT: str(self._budget.file)}

    def _stop(self) -> None:
        running = self._measurements.counts.running
        if running:
            answers = "1 answer" if running == 1 else f"{running} answers"
            self._say(f"waiting for {answers} in flight, Ctrl-C again to drop them")
        self._measurements.stop()

    def _score_the_rest(self) -> None:
        for subject in self._subjects.values():
            outcome = self._outcome(subject)
            for variant, planned in self._measurements.planned(subject).items():
                if subject.scorers and measured(outcome, variant):
                    self.judge.score(subject, outcome, variant, planned=planned)

    def _advance(self, first: Subject) -> None:
        """Score what has come in, of this subject and of all others, and plan what it takes to decide."""
        for subject in (first, *self._subjects.values()):
            for variant in self._measurements.planned(subject):
                waits = self._is_settled(subject, variant) or not subject.scorers
                if not waits and self._measurements.done(subject, variant):
                    self._decide(subject, variant)

    def _decide(self, subject: Subject, variant: str) -> None:
        outcome = self._outcome(subject)
        if self._stopped and not measured(outcome, variant):
            self._settle(subject, variant)
            return
        planned = self._measurements.planned(subject)[variant]
        cell = self.judge.score(subject, outcome, variant, planned=planned)
        given_up = self._stops() or self._measurements.given_up(subject, variant)
        more = 0 if given_up else self.judge.more(subject, outcome, variant, cell.trials)
        if more:
            self._measurements.plan(subject, variant, more)
        else:
            self._settle(subject, variant)

    def _settle(self, subject: Subject, variant: str) -> None:
        """Nothing more is asked for of a variant. The fork of a case ends with the last of those that share it."""
        self._settled.add((subject.name, variant))
        sharing = [each for each in self._subjects.values() if each.case.folder == subject.case.folder]
        if self._complete and all(
            self._is_settled(each, name) for each in sharing for name in self._measurements.planned(each)
        ):
            self._measurements.finish(subject)

    def _is_settled(self, subject: Subject, variant: str) -> bool:
        return (subject.name, variant) in self._settled

    def _stops(self) -> bool:
        """Whether we are told to, or the budget is reached: nothing new starts, what is in flight is awaited."""
        said = self._budget.reached()
        if said and not self.judge.over_budget:
            self.judge.over_budget = said
            self._measurements.stop()
        return self.is_told_to_stop or bool(said)

    def _outcome(self, subject: Subject) -> Outcome:
        return self._measurements.outcome(subject)

    def _tick(self) -> None:
        self._stops()
        self._say_once(self._measurements.trouble)
        self._progress.show(self._measurements.counts)
        if self._deadlines.is_over:
            self._progress.clear()
            self._deadlines.fail()

    def say(self, lines: Iterable[str]) -> None:
        """Print lines, past pytest's capturing."""
        for line in lines:
            self._say(line)

    def _say_once(self, text: str) -> None:
        if text and text not in self._said:
            self._said.add(text)
            self._say(f"agent evals: {text}")

    def _say(self, text: str) -> None:
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if isinstance(reporter, TerminalReporter) and not handover.worker_id(self._config):
            with uncaptured(self._config):
                reporter.ensure_newline()
                reporter.write_line(text)


def is_skipped(item: pytest.Item) -> bool:
    """Whether a mark skips the item: its trials are not paid for."""
    try:
        return evaluate_skip_marks(item) is not None
    except pytest.fail.Exception:
        return False  # a condition that does not evaluate is an error of the item's setup


def _measurements(config: pytest.Config, settings: Settings, store: Store, budget: Budget) -> Measurements:
    # The limit holds over all workers: each takes its share.
    share = max(1, settings.project.concurrency // handover.worker_count(config))
    return Measurements(
        settings, store, slot=handover.worker_id(config), concurrency=share, on_trial=budget.spend
    )
