"""The cells of an evaluation with their places on the page."""

from dataclasses import dataclass

from refork.records.variant import CURRENT
from refork.text import numbers as humanize
from refork_evals.results import CaseResult, Cell, SuiteResult

from refork_reports.sentences import phrases
from refork_reports.views.anchors import case_anchors, cell_anchors


@dataclass(frozen=True, kw_only=True)
class Bar:
    """Shares of the scheduled trials to be drawn: every number is a percentage from 0 to 100.

    ``needed`` is None if there is no one share that is needed.
    """

    rate: float
    unknown: float
    low: float | None
    high: float | None
    needed: float | None
    text: str


@dataclass(frozen=True, kw_only=True)
class PlacedCell:
    """A cell with the anchors of its own place on the page and of its case's."""

    anchor: str
    case_anchor: str
    result: CaseResult
    cell: Cell

    @property
    def bar(self) -> Bar | None:
        """The share that passed, as a bar; None if nothing was measured."""
        return _bar(self.cell)

    @property
    def is_open(self) -> bool:
        """True if its trials are expanded at first: those of the case's fix, otherwise those of ``current``."""
        opened = next((cell.variant for cell in self.result.fixes), CURRENT)
        return self.cell.variant == opened and bool(self.cell.trials)


@dataclass(frozen=True, kw_only=True)
class PlacedCase:
    """A case with the anchor of its place on the page, and its cells."""

    anchor: str
    result: CaseResult
    cells: tuple[PlacedCell, ...]


def placed_cases(evaluation: SuiteResult) -> tuple[PlacedCase, ...]:
    """Return the cases in the order of the evaluation."""
    return tuple(
        PlacedCase(anchor=anchor, result=result, cells=_placed(anchor, result))
        for anchor, result in zip(case_anchors(evaluation), evaluation.cases, strict=True)
    )


def _placed(case_anchor: str, result: CaseResult) -> tuple[PlacedCell, ...]:
    return tuple(
        PlacedCell(anchor=anchor, case_anchor=case_anchor, result=result, cell=cell)
        for anchor, cell in zip(cell_anchors(case_anchor, result), result.cells, strict=True)
    )


def _line(cell: Cell) -> float:
    """Return where the line is drawn: at the share that is needed; beside a baseline, at the drop to rule out."""
    compared = cell.comparison
    if compared is None:
        return cell.min_pass_rate
    return max(0.0, compared.passes_before / compared.trials_before - compared.margin)


def _about_line(cell: Cell) -> str:
    line = humanize.percent(_line(cell))
    return (
        f"{line} needed" if cell.comparison is None else f"{line} would be the drop that is to be ruled out"
    )


def _bar(cell: Cell) -> Bar | None:
    if not cell.measured:
        return None
    scheduled = phrases.scheduled(cell)
    rate, unknown = cell.passes / scheduled, (cell.errors + cell.missing) / scheduled
    parts = [f"{humanize.percent(rate)} passed"]
    parts += [f"{humanize.percent(unknown)} not measured"] * (unknown > 0)
    if cell.interval is not None:
        parts.append(
            f"between {humanize.percent(cell.interval.low)} and {humanize.percent(cell.interval.high)}"
        )
    return Bar(
        rate=100 * rate,
        unknown=100 * unknown,
        low=None if cell.interval is None else 100 * cell.interval.low,
        high=None if cell.interval is None else 100 * cell.interval.high,
        needed=100 * _line(cell),
        text=f"{', '.join(parts)}; {_about_line(cell)}",
    )
