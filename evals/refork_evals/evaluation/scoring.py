"""Turns outcomes into results: scores every trial of a measured case once, in pytest's own thread."""

import dataclasses
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from refork.records.outcome import ForkStatus, Outcome
from refork.records.variant import CURRENT

from refork_evals.evaluation.case_plans import CasePlans
from refork_evals.evaluation.looks import confirmed, more_trials, stopped_at
from refork_evals.evaluation.measured_case import MeasuredCase
from refork_evals.evaluation.side_by_side import are_paired, next_round
from refork_evals.plans import CandidatePlan, TrialPlan
from refork_evals.results import CaseResult, Cell, ScoredTrial, Verdict
from refork_evals.trials import score_recorded, score_trials, without_unfinished
from refork_evals.verdicts.cells import count
from refork_evals.verdicts.verdict import case_result, cell_of, min_pass_rate_of


@dataclass
class _ScoredCase:
    measured_case: MeasuredCase
    outcome: Outcome
    recorded: ScoredTrial | None
    scored: dict[str, list[ScoredTrial]] = field(default_factory=dict[str, list[ScoredTrial]])
    cells: dict[str, Cell] = field(default_factory=dict[str, Cell])


class Scoreboard:
    """The results of every measured case, in the order in which the cases came.

    ``over_budget`` says, once the budget is reached, why what is not decided will not be.
    """

    def __init__(self, plans: CasePlans, min_pass_rate: float | None, *, unfinished: str = "fail") -> None:
        self.over_budget = ""
        self._plans = plans
        self._min_pass_rate = min_pass_rate
        self._unfinished = unfinished
        self._judged: dict[str, _ScoredCase] = {}

    def score(self, measured_case: MeasuredCase, outcome: Outcome, variant: str, *, planned: int) -> Cell:
        """Score those trials of a variant that have no scores yet, and decide."""
        judged = self._of(measured_case, outcome)
        known = judged.scored.setdefault(variant, [])
        seen = {each.trial.number for each in known}
        fresh = tuple(each for each in outcome.trials_of(variant) if each.number not in seen)
        if fresh:
            new = dataclasses.replace(outcome, trials=fresh)
            known += score_trials(measured_case.case, new, measured_case.scorers, variant=variant)
        return self._decide(judged, variant, known, planned)

    def take(
        self,
        measured_case: MeasuredCase,
        outcome: Outcome,
        variant: str,
        scored: Sequence[ScoredTrial],
        *,
        planned: int,
    ) -> Cell:
        """Store the scores that a test function gave the trials of a variant."""
        return self._decide(self._of(measured_case, outcome), variant, scored, planned)

    def more(
        self, measured_case: MeasuredCase, outcome: Outcome, variant: str, scored: Sequence[ScoredTrial]
    ) -> int:
        """Return how many more trials a variant needs after these."""
        if outcome.status is not ForkStatus.MEASURED:
            return 0
        return more_trials(self._plan(measured_case, outcome, variant), self._counted(scored))

    def go_by_rounds(self, measured_case: MeasuredCase, outcome: Outcome, variants: Iterable[str]) -> bool:
        """Return whether the variants of a case run their trials side by side."""
        is_measured = outcome.status is ForkStatus.MEASURED
        return is_measured and are_paired(
            {each: self._plan(measured_case, outcome, each) for each in variants}
        )

    def next_round(
        self,
        measured_case: MeasuredCase,
        outcome: Outcome,
        variants: Iterable[str],
        open_variants: Collection[str],
    ) -> dict[str, int]:
        """Return how many more trials the open ones of ``variants`` need, after a round was scored."""
        plans = {variant: self._plan(measured_case, outcome, variant) for variant in variants}
        scored = self._of(measured_case, outcome).scored
        counted = {variant: self._counted(scored.get(variant, ())) for variant in plans}
        return next_round(plans, counted, open_variants)

    def _plan(self, measured_case: MeasuredCase, outcome: Outcome, variant: str) -> TrialPlan:
        return self._plans.of(measured_case, variant, _model(outcome, variant))

    def _counted(self, scored: Iterable[ScoredTrial]) -> tuple[ScoredTrial, ...]:
        """Return the trials as they count, by the project's setting for answers that were cut off, filtered,
        refused or empty.
        """
        return tuple(map(without_unfinished, scored) if self._unfinished == "error" else scored)

    def result(self, measured_case: MeasuredCase) -> CaseResult:
        return self._result(self._judged[measured_case.name])

    @property
    def results(self) -> tuple[CaseResult, ...]:
        return tuple(self._result(judged) for judged in self._judged.values() if judged.cells)

    def _of(self, measured_case: MeasuredCase, outcome: Outcome) -> _ScoredCase:
        if measured_case.name not in self._judged:
            recorded = (
                score_recorded(measured_case.case, measured_case.scorers) if measured_case.scorers else None
            )
            self._judged[measured_case.name] = _ScoredCase(
                measured_case=measured_case, outcome=outcome, recorded=recorded
            )
        judged = self._judged[measured_case.name]
        judged.outcome = outcome
        return judged

    def _decide(self, judged: _ScoredCase, variant: str, scored: Iterable[ScoredTrial], planned: int) -> Cell:
        case, outcome = judged.measured_case.case, judged.outcome
        plan = self._plan(judged.measured_case, outcome, variant)
        rate = min_pass_rate_of(case, self._min_pass_rate)
        counted = self._counted(scored)
        stopped = len(counted) if isinstance(plan, CandidatePlan) else stopped_at(plan, counted)
        cell = cell_of(
            case,
            outcome,
            variant,
            counted,
            min_pass_rate=rate,
            plan=plan,
            planned=max(planned, 0),
            counted=stopped if stopped < len(counted) else None,
        )
        judged.cells[variant] = self._within_budget(confirmed(cell, plan, counted))
        return judged.cells[variant]

    def _within_budget(self, cell: Cell) -> Cell:
        """Mark a cell that the budget cut short as undecided instead of as an error."""
        cut_short = cell.verdict is Verdict.INCONCLUSIVE or (
            cell.verdict is Verdict.ERROR and not cell.errors and bool(cell.missing)
        )
        if not self.over_budget or not cut_short:
            return cell
        reason = f"budget: {self.over_budget}" + (f"; {cell.reason}" if cell.measured else "")
        return dataclasses.replace(cell, verdict=Verdict.INCONCLUSIVE, reason=reason, cut_short=True)

    def _result(self, judged: _ScoredCase) -> CaseResult:
        order = [variant.name for variant in judged.measured_case.variants]
        cells = sorted(judged.cells.values(), key=lambda cell: order.index(cell.variant))
        return case_result(
            judged.measured_case.case,
            judged.outcome,
            [self._beside_current(judged, cell) for cell in cells],
            recorded=judged.recorded,
            fingerprint=judged.measured_case.fingerprint,
            place=judged.measured_case.place,
        )

    def _beside_current(self, judged: _ScoredCase, cell: Cell) -> Cell:
        """Return the cell with the comparison of a candidate that ran its trials beside ``current``."""
        plan = self._plan(judged.measured_case, judged.outcome, cell.variant)
        current = judged.cells.get(CURRENT)
        rounds = len(cell.trials)
        if not isinstance(plan, CandidatePlan) or current is None or len(current.trials) < rounds:
            return cell
        beside = plan.beside(count(cell.trials, None), count(current.trials[:rounds], None))
        is_paired = bool(judged.measured_case.scorers)
        return dataclasses.replace(cell, beside=beside, rounds=rounds if is_paired else None)


def measured(outcome: Outcome, variant: str) -> bool:
    """Return whether a variant has any result."""
    return outcome.status is not ForkStatus.MEASURED or bool(outcome.trials_of(variant))


def _model(outcome: Outcome, variant: str) -> str | None:
    request = outcome.requests.get(variant)
    return None if request is None else request.model
