"""The matrix of cases and variants, a table for each agent, since candidates belong to an agent."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd
from refork.records.variant import CURRENT
from refork.text import numbers as humanize
from refork_evals.results import Evaluation

from refork_reports.formats import frames


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
    table = frames.cells(evaluation)
    table["number"] = table.groupby("position").cumcount() + 1
    table["agent"] = table["agent"].fillna("")
    return tuple(_matrix(str(agent), group) for agent, group in table.groupby("agent", sort=False))


def _matrix(agent: str, table: pd.DataFrame) -> Matrix:
    variants = sorted((str(name) for name in table["variant"].unique()), key=lambda name: name != CURRENT)
    rows = [_row(group.to_dict("records"), variants) for _, group in table.groupby("position")]
    return Matrix(
        agent=agent,
        variants=tuple(variants),
        rows=tuple(rows),
        passing=tuple(_passing(table[table["variant"] == variant]) for variant in variants),
    )


def _row(records: list[Any], variants: list[str]) -> MatrixRow:
    squares = {record["variant"]: _square(record) for record in records}
    first = records[0]
    return MatrixRow(
        position=first["position"],
        case=first["case"],
        guard=first["guard"],
        squares=tuple(squares.get(variant) for variant in variants),
    )


def _square(row: Mapping[str, Any]) -> Square:
    spent, cost = row["input_tokens"] + row["output_tokens"], row["cost_usd"]
    return Square(
        anchor=cell_anchor(row["position"], row["number"]) if row["trials"] else case_anchor(row["position"]),
        variant=row["variant"],
        verdict=row["verdict"],
        fixes=row["fixes"],
        trials=f"{row['passes']}/{row['trials'] + row['missing']}" if row["trials"] else "",
        unmeasured=row["errors"] + row["missing"],
        interval="" if pd.isna(row["low"]) else humanize.interval(row["low"], row["high"]),
        tokens=humanize.tokens(spent) if spent else "",
        cost=humanize.UNKNOWN if pd.isna(cost) else humanize.money(Decimal(str(cost))),
        bar=_bar(row),
    )


def _bar(row: Mapping[str, Any]) -> Bar | None:
    if pd.isna(row["pass_rate"]):
        return None
    low, high = (None if pd.isna(row[end]) else float(row[end]) for end in ("low", "high"))
    unknown = row["errors"] + row["missing"]
    planned = row["trials"] + row["missing"]
    return bar(
        rate=row["passes"] / planned,
        unknown=unknown / planned,
        low=low,
        high=high,
        needed=row["min_pass_rate"],
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


def _passing(cells: pd.DataFrame) -> str:
    return f"passes {int((cells['verdict'] == 'pass').sum())} of {len(cells)}"
