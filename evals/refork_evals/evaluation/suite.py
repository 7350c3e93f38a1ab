"""Measures cases under variants: first trials, scores, and as many further trials as a decision needs."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from refork.answer_cache import Store
from refork.records.outcome import Outcome, Trial
from refork.records.variant import CURRENT

from refork_evals.evaluation.budget import Budget
from refork_evals.evaluation.case_plans import CasePlans
from refork_evals.evaluation.kept_answers.answer_writer import Unscored
from refork_evals.evaluation.measured_case import MeasuredCase
from refork_evals.evaluation.pace import Counts
from refork_evals.evaluation.scoring import Scoreboard, measured
from refork_evals.evaluation.settings import Settings
from refork_evals.evaluation.trial_runner import TrialRunner
from refork_evals.results import CaseResult, Method, ScoredTrial


class Suite:
    """All cases of an evaluation. Called from one thread; trials run in DBOS's own.

    ``slot`` names the evals database of this process where several share one project; ``concurrency`` is this
    process's share of the project's (default: all of it). DBOS is opened with the first trial that is scheduled.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        budget: Budget,
        *,
        slot: str = "",
        concurrency: int | None = None,
    ) -> None:
        project = settings.project
        self.plans: Final = CasePlans(settings)
        self.scores: Final = Scoreboard(self.plans, project.min_pass_rate, unfinished=project.unfinished)
        self.is_stopped = False
        self._budget = budget
        self._trials = TrialRunner(
            settings,
            store,
            slot=slot,
            concurrency=concurrency or project.concurrency,
            on_trial=budget.spend,
        )
        self._cases: dict[str, MeasuredCase] = {}
        self._settled: set[tuple[str, str]] = set()
        self._open: set[tuple[str, str]] = set()
        self._is_complete = False

    def add(self, wanted: Sequence[tuple[MeasuredCase, Sequence[str]]]) -> None:
        """Fork cases, and schedule the first trials of the variants that go with each."""
        self._trials.check(case for case, _ in wanted)
        for case, variants in wanted:
            self._add(self._cases.setdefault(case.name, case), variants)

    def _add(self, case: MeasuredCase, variants: Sequence[str]) -> None:
        known = self._trials.scheduled(case)
        wanted = [variant for variant in variants if variant not in known]
        # All begin with as many: the first round is the one that every case has.
        first = max((self.plans.of(case, variant).first for variant in wanted), default=0)
        for variant in wanted:
            if self.plans.of(case, variant).method is not Method.FIXED:
                self._open.add((case.name, variant))
            self._trials.schedule(case, variant, first)

    def complete(self) -> None:
        """Announce that no other cases will come: each fork ends with its last trial."""
        self._is_complete = True

    def measure(self, case: MeasuredCase, on_tick: Callable[[], None]) -> None:
        """Wait until all variants of a case are decided. Other cases continue meanwhile; ``on_tick`` is called
        often.
        """
        while True:
            self._advance(case)
            if all(self._is_settled(case, variant) for variant in self._trials.scheduled(case)):
                return
            self._trials.wait(case, on_tick)

    def trial(
        self, case: MeasuredCase, variant: str, number: int, on_tick: Callable[[], None]
    ) -> Trial | None:
        """Wait for a trial and return it; None if it will not come. ``number`` counts from 1."""
        return self._trials.trial(case, variant, number, on_tick)

    def scheduled(self, case: MeasuredCase, variant: str) -> int:
        """Return how many trials of a variant are scheduled so far."""
        return self._trials.scheduled(case)[variant]

    def schedule_more(self, case: MeasuredCase, variant: str, scored: Sequence[ScoredTrial]) -> bool:
        """Schedule the trials that a variant needs after these to be decided, and return whether there are any."""
        if self.stops() or self._trials.given_up(case, variant):
            return False
        more = self.scores.more(case, self.outcome(case), variant, scored)
        if more:
            self._trials.schedule(case, variant, more)
        return bool(more)

    def take(self, case: MeasuredCase, variant: str, scored: Sequence[ScoredTrial]) -> CaseResult:
        """Store scores that the caller made, and decide the variant by them."""
        scheduled = self.scheduled(case, variant)
        self.scores.take(case, self.outcome(case), variant, scored, planned=scheduled)
        self._settle(case, variant)
        return self.scores.result(case)

    def outcome(self, case: MeasuredCase) -> Outcome:
        """Return what has been measured of a case so far."""
        return self._trials.outcome(case)

    def has_measured(self, case: MeasuredCase, variant: str) -> bool:
        return measured(self.outcome(case), variant)

    @property
    def counts(self) -> Counts:
        return replace(self._trials.counts, may_grow=not self._open <= self._settled)

    @property
    def notes(self) -> tuple[str, ...]:
        """The messages about the evals database, and about answers that would not outlive the session."""
        return tuple(line for line in (self._trials.note, self._trials.trouble) if line)

    def stops(self) -> bool:
        """Return whether the session was stopped or the budget reached: nothing new starts, and trials in flight
        finish.
        """
        reached = self._budget.reached()
        if reached and not self.scores.over_budget:
            self.scores.over_budget = reached
            self._trials.stop()
        return self.is_stopped or bool(reached)

    def stop(self) -> None:
        """Start no more trials, and wait for those in flight."""
        self.is_stopped = True
        self._trials.stop()

    def wait_for_trials_in_flight(self) -> None:
        self._trials.stop()

    def score_the_rest(self) -> None:
        """Score the measured trials of variants that no item waited for."""
        for case in self._cases.values():
            outcome = self.outcome(case)
            for variant, planned in self._trials.scheduled(case).items():
                if case.scorers and measured(outcome, variant):
                    self.scores.score(case, outcome, variant, planned=planned)

    @property
    def unscored(self) -> tuple[Unscored, ...]:
        """The trials that were measured and are in no result, as in an interrupted session."""
        reported = {
            (result.case.name, trial.variant, trial.number)
            for result in self.scores.results
            for trial in (result.outcome.trials if result.outcome is not None else ())
        }
        return tuple(
            Unscored(folder=case.case.folder, trial=trial)
            for case in self._cases.values()
            for trial in self.outcome(case).trials
            if (case.name, trial.variant, trial.number) not in reported
        )

    def close(self) -> None:
        """End every fork, and DBOS with them. Answers in flight are lost."""
        self._trials.close()

    def _advance(self, first: MeasuredCase) -> None:
        """Score what has arrived, of this case and of all others, and schedule the trials that a decision needs."""
        for case in (first, *self._cases.values()):
            waiting = [each for each in self._trials.scheduled(case) if not self._is_settled(case, each)]
            done = [each for each in waiting if case.scorers and self._trials.done(case, each)]
            if done and self.scores.go_by_rounds(case, self.outcome(case), self._trials.scheduled(case)):
                if done == waiting:
                    self._decide_round(case, done)
            else:
                for variant in done:
                    self._decide(case, variant)

    def _decide(self, case: MeasuredCase, variant: str) -> None:
        outcome = self.outcome(case)
        if self.is_stopped and not measured(outcome, variant):
            self._settle(case, variant)
            return
        cell = self.scores.score(case, outcome, variant, planned=self.scheduled(case, variant))
        if not self.schedule_more(case, variant, cell.trials):
            self._settle(case, variant)

    def _decide_round(self, case: MeasuredCase, variants: Sequence[str]) -> None:
        """Score a round of all variants that are still open, and schedule the next one."""
        outcome = self.outcome(case)
        for variant in variants:
            if measured(outcome, variant) or not self.is_stopped:
                self.scores.score(case, outcome, variant, planned=self.scheduled(case, variant))
        going = [each for each in variants if not self.stops() and not self._trials.given_up(case, each)]
        is_over = CURRENT in variants and CURRENT not in going
        more = {} if is_over else self.scores.next_round(case, outcome, self._trials.scheduled(case), going)
        for variant in variants:
            if more.get(variant):
                self._trials.schedule(case, variant, more[variant])
            elif variant != CURRENT or not any(more.values()):
                self._settle(case, variant)

    def _settle(self, case: MeasuredCase, variant: str) -> None:
        """Note that a variant needs no more trials. The fork of a case ends with the last of the variants that
        share it.
        """
        self._settled.add((case.name, variant))
        sharing = [each for each in self._cases.values() if each.case.folder == case.case.folder]
        if self._is_complete and all(
            self._is_settled(each, name) for each in sharing for name in self._trials.scheduled(each)
        ):
            self._trials.finish(case)

    def _is_settled(self, case: MeasuredCase, variant: str) -> bool:
        return (case.name, variant) in self._settled
