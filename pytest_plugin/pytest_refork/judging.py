"""Outcomes become results: every variant of a subject is scored once, in pytest's own thread."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from refork.outcome import ForkStatus, Outcome
from refork.variant import CURRENT
from refork_evals.results import CaseResult, Cell, ScoredTrial
from refork_evals.trials import score_recorded, score_trials
from refork_evals.verdict import case_result, cell_of

from pytest_refork.subjects import Subject


@dataclass
class Families:
    """How many cells the verdicts of ``current`` and of the candidates are corrected over."""

    current: int = 1
    candidates: int = 1

    def of(self, variant: str) -> int:
        return self.current if variant == CURRENT else self.candidates


@dataclass
class _Judged:
    subject: Subject
    outcome: Outcome
    recorded: ScoredTrial | None
    cells: dict[str, Cell] = field(default_factory=dict[str, Cell])


class Judge:
    """Keeps what was found of every subject, in the order in which the subjects came."""

    def __init__(self, alpha: float) -> None:
        self.families: Final = Families()
        self._alpha = alpha
        self._judged: dict[str, _Judged] = {}

    def score(self, subject: Subject, outcome: Outcome, variants: Iterable[str]) -> CaseResult:
        """Put the scorers of a case to the trials of these variants."""
        judged = self._of(subject, outcome)
        for name in variants:
            if name not in judged.cells:
                scored = score_trials(subject.case, outcome, subject.scorers, variant=name)
                judged.cells[name] = self._cell(judged, name, scored)
        return _result(judged)

    def take(
        self, subject: Subject, outcome: Outcome, variant: str, scored: Sequence[ScoredTrial]
    ) -> CaseResult:
        """Keep what a test function said of the trials of a variant."""
        judged = self._of(subject, outcome)
        judged.cells[variant] = self._cell(judged, variant, scored)
        return _result(judged)

    def judged(self, subject: Subject, variant: str) -> bool:
        return subject.name in self._judged and variant in self._judged[subject.name].cells

    @property
    def results(self) -> tuple[CaseResult, ...]:
        return tuple(_result(judged) for judged in self._judged.values() if judged.cells)

    def _of(self, subject: Subject, outcome: Outcome) -> _Judged:
        if subject.name not in self._judged:
            recorded = score_recorded(subject.case, subject.scorers) if subject.scorers else None
            self._judged[subject.name] = _Judged(subject=subject, outcome=outcome, recorded=recorded)
        judged = self._judged[subject.name]
        judged.outcome = outcome
        return judged

    def _cell(self, judged: _Judged, variant: str, scored: Sequence[ScoredTrial]) -> Cell:
        return cell_of(
            judged.subject.case,
            judged.outcome,
            variant,
            scored,
            alpha=self._alpha,
            cases=self.families.of(variant),
        )


def measured(outcome: Outcome, variant: str) -> bool:
    """Whether there is anything to say of a variant."""
    return outcome.status is not ForkStatus.MEASURED or bool(outcome.trials_of(variant))


def _result(judged: _Judged) -> CaseResult:
    order = [variant.name for variant in judged.subject.variants]
    cells = sorted(judged.cells.values(), key=lambda cell: order.index(cell.variant))
    return case_result(judged.subject.case, judged.outcome, cells, recorded=judged.recorded)
