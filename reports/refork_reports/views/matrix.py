"""Shows the matrix of cases and variants, a table for each agent, since candidates belong to an agent."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from refork.records.variant import CURRENT
from refork_evals.results import Verdict

from refork_reports.views.trials.placed_cells import PlacedCase, PlacedCell


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """A row for each case and a column for each variant; None if a case was not run under it.

    ``passing`` says of each variant in how many of the cases that it was tried on it passes, or held beside a baseline.
    """

    agent: str
    variants: tuple[str, ...]
    rows: tuple[tuple[PlacedCell | None, ...], ...]
    passing: tuple[str, ...]


def matrices(cases: Sequence[PlacedCase]) -> tuple[Matrix, ...]:
    """A matrix for each agent, in the order in which the agents come first among the cases."""
    agents: dict[str, list[PlacedCell]] = {}
    for placed in cases:
        if placed.cells:
            agents.setdefault(placed.result.case.agent or "", []).extend(placed.cells)
    return tuple(_matrix(agent, cells) for agent, cells in agents.items())


def _passing(found: Sequence[Verdict]) -> str:
    """Say how many cases pass: ``passes 3 of 5``, ``held 4 of 5``, or ``held 3, passes 1 of 5`` if some are new to
    the baseline.
    """
    is_beside_baseline = any(verdict.is_beside_baseline for verdict in found)
    held = [f"held {found.count(Verdict.HELD)}"] * is_beside_baseline
    passes = [f"passes {found.count(Verdict.PASS)}"] * (Verdict.PASS in found or not is_beside_baseline)
    return f"{', '.join([*held, *passes])} of {len(found)}"


def _matrix(agent: str, table: Sequence[PlacedCell]) -> Matrix:
    variants = sorted({each.cell.variant: None for each in table}, key=lambda name: name != CURRENT)
    rows = [
        {each.cell.variant: each for each in cells}
        for _, cells in groupby(table, key=lambda each: each.case_anchor)
    ]
    return Matrix(
        agent=agent,
        variants=tuple(variants),
        rows=tuple(tuple(row.get(variant) for variant in variants) for row in rows),
        passing=tuple(
            _passing(found)
            for name in variants
            if (found := [row[name].cell.verdict for row in rows if name in row])
        ),
    )
