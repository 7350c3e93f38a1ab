"""The matrix of cases and variants, a table for each agent, since candidates belong to an agent."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from refork.records.variant import CURRENT
from refork.text import numbers as humanize
from refork_evals.results import CaseResult, Cell, Evaluation, Verdict

from refork_reports.views.totals import shown_cost


@dataclass(frozen=True, kw_only=True)
class Bar:
    """Shares of the planned trials to be drawn: every number is a percentage from 0 to 100."""

    rate: float
    unknown: float
    low: float | None
    high: float | None
    needed: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Square:
    """One cell of the matrix, in words and as a bar."""

    anchor: str
    variant: str
    verdict: str
    fixes: bool
    trials: str
    unmeasured: int
    interval: str
    tokens: str
    cost: str
    bar: Bar | None


@dataclass(frozen=True, kw_only=True)
class MatrixRow:
    position: int
    case: str
    guard: bool
    squares: tuple[Square | None, ...]


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """``passing`` says of each variant in how many of the cases that it was tried on it passes."""

    agent: str
    variants: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    passing: tuple[str, ...]


def case_anchor(position: int) -> str:
    return f"case-{position}"


def cell_anchor(position: int, number: int) -> str:
    return f"case-{position}-variant-{number}"


def matrices(evaluation: Evaluation) -> tuple[Matrix, ...]:
    """A matrix for each agent, in the order in which the agents come first among the cases."""
    agents: dict[str, list[_Placed]] = {}
    for position, result in enumerate(evaluation.cases, 1):
        for number, cell in enumerate(result.cells, 1):
            placed = _Placed(position=position, number=number, result=result, cell=cell)
            agents.setdefault(result.case.agent or "", []).append(placed)
    return tuple(_matrix(agent, cells) for agent, cells in agents.items())


@dataclass(frozen=True, kw_only=True)
class _Placed:
    """A cell and where it stands: both numbers count from 1."""

    position: int
    number: int
    result: CaseResult
    cell: Cell


def _matrix(agent: str, table: Sequence[_Placed]) -> Matrix:
    variants = sorted({each.cell.variant: None for each in table}, key=lambda name: name != CURRENT)
    return Matrix(
        agent=agent,
        variants=tuple(variants),
        rows=tuple(
            _row(list(group), variants) for _, group in groupby(table, key=lambda each: each.position)
        ),
        passing=tuple(
            _passing([each.cell for each in table if each.cell.variant == name]) for name in variants
        ),
    )


def _row(cells: Sequence[_Placed], variants: Sequence[str]) -> MatrixRow:
    squares = {each.cell.variant: _square(each) for each in cells}
    first = cells[0]
    return MatrixRow(
        position=first.position,
        case=first.cell.case,
        guard=first.result.case.guard,
        squares=tuple(squares.get(variant) for variant in variants),
    )


def _square(placed: _Placed) -> Square:
    cell, position = placed.cell, placed.position
    trials, cost = len(cell.trials), shown_cost(cell)
    spent = cell.usage.input_tokens + cell.usage.output_tokens
    return Square(
        anchor=cell_anchor(position, placed.number) if trials else case_anchor(position),
        variant=cell.variant,
        verdict=cell.verdict.value,
        fixes=cell.fixes,
        trials=f"{cell.passes}/{trials + cell.missing}" if trials else "",
        unmeasured=cell.errors + cell.missing,
        interval=humanize.interval(cell.interval.low, cell.interval.high) if cell.interval else "",
        tokens=humanize.tokens(spent) if spent else "",
        cost=humanize.UNKNOWN if cost is None else humanize.money(cost),
        bar=_bar(cell),
    )


def _bar(cell: Cell) -> Bar | None:
    if cell.pass_rate is None:
        return None
    planned = len(cell.trials) + cell.missing
    return bar(
        rate=cell.passes / planned,
        unknown=(cell.errors + cell.missing) / planned,
        low=cell.interval.low if cell.interval else None,
        high=cell.interval.high if cell.interval else None,
        needed=cell.min_pass_rate,
    )


def bar(*, rate: float, unknown: float, low: float | None, high: float | None, needed: float) -> Bar:
    """Shares of the planned trials, between 0 and 1, as a bar, and as words for those who do not see it."""
    parts = [f"{humanize.percent(rate)} passed"]
    parts += [f"{humanize.percent(unknown)} not measured"] * (unknown > 0)
    parts += [f"between {humanize.percent(low)} and {humanize.percent(high)}"] * (low is not None)
    return Bar(
        rate=100 * rate,
        unknown=100 * unknown,
        low=None if low is None else 100 * low,
        high=None if high is None else 100 * high,
        needed=100 * needed,
        text=f"{', '.join(parts)}; {humanize.percent(needed)} needed",
    )


def _passing(cells: Sequence[Cell]) -> str:
    return f"passes {sum(cell.verdict is Verdict.PASS for cell in cells)} of {len(cells)}"
