"""Shows the cases that ``current`` fails, what fixes them, and what that affects."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from refork.records.variant import CURRENT
from refork_evals.results import CaseResult, Cell

from refork_reports.views.requests import variant_file
from refork_reports.views.trials.placed_cells import PlacedCase, PlacedCell


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
    """A case that ``current`` fails. ``best`` is the nearest candidate, if one was measured."""

    result: CaseResult
    anchor: str
    current: Cell
    fixes: tuple[Fix, ...]
    best: Cell | None


def failing_cases(cases: Sequence[PlacedCase]) -> tuple[FailingCase, ...]:
    """In the order of the evaluation."""
    return tuple(
        FailingCase(
            result=placed.result,
            anchor=placed.anchor,
            current=current,
            fixes=tuple(_fixes(cases, placed)),
            best=_best(placed.result),
        )
        for placed in cases
        if (current := placed.result.cell(CURRENT)) and current.verdict.is_bad
    )


def _fixes(cases: Sequence[PlacedCase], fixed: PlacedCase) -> Iterable[Fix]:
    placed = {each.cell.variant: each for each in fixed.cells}
    for cell in fixed.result.fixes:
        yield Fix(
            placed=placed[cell.variant],
            file=variant_file(fixed.result.case.agent, cell.variant),
            effects=tuple(_effects(cases, fixed, cell.variant)),
        )


def _effects(cases: Sequence[PlacedCase], fixed: PlacedCase, variant: str) -> Iterable[PlacedCell]:
    for other in cases:
        current = other.result.cell(CURRENT)
        passes_now = current is not None and current.verdict.is_good
        is_of_the_agent = other is not fixed and other.result.case.agent == fixed.result.case.agent
        if is_of_the_agent and (other.result.case.guard or passes_now):
            yield from (each for each in other.cells if each.cell.variant == variant)


def _best(result: CaseResult) -> Cell | None:
    tried = [
        cell
        for cell in result.cells
        if cell.variant != CURRENT and not cell.changes and cell.pass_rate is not None
    ]
    return max(tried, key=lambda cell: cell.pass_rate or 0.0, default=None)
