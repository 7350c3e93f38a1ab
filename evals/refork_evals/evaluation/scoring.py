"""Outcomes become results: every trial of a subject is scored once, in pytest's own thread."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from refork.records.outcome import ForkStatus, Outcome

from refork_evals.evaluation.case_plans import CasePlans
from refork_evals.evaluation.measured_case import MeasuredCase
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
    """Keeps what was found of every subject, in the order in which the subjects came.

    ``over_budget`` says, once the budget is reached, why what is not decided will not be.
    """

    def __init__(self, plans: CasePlans, min_pass_rate: float | None, *, unfinished: str = "fail") -> None:
        self.over_budget = ""
        self._plans = plans
        self._min_pass_rate = min_pass_rate
        self._unfinished = unfinished
        self._judged: dict[str, _ScoredCase] = {}

    def score(self, measured_case: MeasuredCase, outcome: Outcome, variant: str, *, planned: int) -> Cell:
        """Put the scorers of a case to those trials of a variant that they have not seen, and decide."""
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
        """Keep what a test function said of the trials of a variant."""
        return self._decide(self._of(measured_case, outcome), variant, scored, planned)

    def more(
        self, measured_case: MeasuredCase, outcome: Outcome, variant: str, scored: Sequence[ScoredTrial]
    ) -> int:
        """How many more trials a variant needs, after these."""
        if outcome.status is not ForkStatus.MEASURED:
            return 0
        return self._plans.of(measured_case, variant, _model(outcome, variant)).more(
            count(self._counted(scored), None)
        )

    def _counted(self, scored: Iterable[ScoredTrial]) -> tuple[ScoredTrial, ...]:
        """The trials as they count: those whose answers did not end by themselves as the project says."""
        return tuple(map(without_unfinished, scored) if self._unfinished == "error" else scored)

    def result(self, measured_case: MeasuredCase) -> CaseResult:
        return _result(self._judged[measured_case.name])

    @property
    def results(self) -> tuple[CaseResult, ...]:
        return tuple(_result(judged) for judged in self._judged.values() if judged.cells)

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
        plan = self._plans.of(judged.measured_case, variant, _model(outcome, variant))
        rate = min_pass_rate_of(case, self._min_pass_rate)
        cell = cell_of(
            case,
            outcome,
            variant,
            self._counted(scored),
            min_pass_rate=rate,
            plan=plan,
            planned=max(planned, 0),
        )
        judged.cells[variant] = self._within_budget(cell)
        return judged.cells[variant]

    def _within_budget(self, cell: Cell) -> Cell:
        """What the budget cut short is not decided, and nobody's error."""
        cut_short = cell.verdict is Verdict.INCONCLUSIVE or (
            cell.verdict is Verdict.ERROR and not cell.errors and bool(cell.missing)
        )
        if not self.over_budget or not cut_short:
            return cell
        reason = f"budget: {self.over_budget}" + (f"; {cell.reason}" if cell.measured else "")
        return dataclasses.replace(cell, verdict=Verdict.INCONCLUSIVE, reason=reason, cut_short=True)


def measured(outcome: Outcome, variant: str) -> bool:
    """Whether there is anything to say of a variant."""
    return outcome.status is not ForkStatus.MEASURED or bool(outcome.trials_of(variant))


def _model(outcome: Outcome, variant: str) -> str | None:
    request = outcome.requests.get(variant)
    return None if request is None else request.model


def _result(judged: _ScoredCase) -> CaseResult:
    order = [variant.name for variant in judged.measured_case.variants]
    cells = sorted(judged.cells.values(), key=lambda cell: order.index(cell.variant))
    return case_result(
        judged.measured_case.case,
        judged.outcome,
        cells,
        recorded=judged.recorded,
        fingerprint=judged.measured_case.fingerprint,
        place=judged.measured_case.place,
    )
