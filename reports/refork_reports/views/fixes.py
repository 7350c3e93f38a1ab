"""The cases that ``current`` fails, what fixes them, and what that touches."""

from collections.abc import Iterable
from dataclasses import dataclass

from refork.records.variant import CURRENT
from refork_evals.results import CaseResult, Cell, SuiteResult

from refork_reports.views.placed_cells import PlacedCell, case_anchor, placed_cells
from refork_reports.views.requests import variant_file


@dataclass(frozen=True, kw_only=True)
class Fix:
    """A candidate that fixes a case, and the file to take over.

    ``effects`` are its cells of the cases that must stay as they are: guards of the same agent, and what passes now.
    """

    placed: PlacedCell
    file: str
    effects: tuple[PlacedCell, ...]


@dataclass(frozen=True, kw_only=True)
class FailingCase:
    """A case that ``current`` fails. ``best`` is the nearest candidate, where one was measured."""

    result: CaseResult
    anchor: str
    current: Cell
    fixes: tuple[Fix, ...]
    best: Cell | None


def failing_cases(evaluation: SuiteResult) -> tuple[FailingCase, ...]:
    """In the order of the evaluation."""
    return tuple(
        FailingCase(
            result=result,
            anchor=case_anchor(position),
            current=current,
            fixes=tuple(_fixes(evaluation, position, result)),
            best=_best(result),
        )
        for position, result in enumerate(evaluation.cases, 1)
        if (current := result.cell(CURRENT)) and current.verdict.is_bad
    )


def _fixes(evaluation: SuiteResult, position: int, result: CaseResult) -> Iterable[Fix]:
    placed = {each.cell.variant: each for each in placed_cells(position, result)}
    for cell in result.fixes:
        yield Fix(
            placed=placed[cell.variant],
            file=variant_file(result.case.agent, cell.variant),
            effects=tuple(_effects(evaluation, position, result, cell.variant)),
        )


def _effects(
    evaluation: SuiteResult, position: int, result: CaseResult, variant: str
) -> Iterable[PlacedCell]:
    for place, other in enumerate(evaluation.cases, 1):
        current = other.cell(CURRENT)
        passes_now = current is not None and current.verdict.is_good
        if place != position and other.case.agent == result.case.agent and (other.case.guard or passes_now):
            yield from (each for each in placed_cells(place, other) if each.cell.variant == variant)


def _best(result: CaseResult) -> Cell | None:
    tried = [
        cell
        for cell in result.cells
        if cell.variant != CURRENT and not cell.changes and cell.pass_rate is not None
    ]
    return max(tried, key=lambda cell: cell.pass_rate or 0.0, default=None)
