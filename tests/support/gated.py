"""Evaluations with a gate and comparisons, for the tests of what is written about them."""

import dataclasses

from refork.records.variant import CURRENT
from refork_evals.results import (
    Change,
    Comparison,
    DifferenceInterval,
    Gate,
    GateCase,
    GateFinding,
    SuiteDrop,
    SuiteResult,
)
from refork_evals.verdicts.comparison import arms_of, compare

from support.report_evaluations import HOSTILE, realistic


def gated(*, passes: bool = False, hostile: bool = False) -> SuiteResult:
    """A morning's work beside a baseline: one case regressed, or none."""
    made = realistic()
    first = made.cases[0]
    said = f"0 of 10 passed (0%), before 29 of 30 (97%) {HOSTILE if hostile else ''}"
    cases = (
        GateCase(
            case=first.case.name,
            finding=GateFinding.HELD if passes else GateFinding.REGRESSED,
            blocks=not passes,
            said=said,
            command="pytest --agent-evals --agent-evals-gate evals/cases/misleading-summary/case.yaml",
        ),
        GateCase(
            case="new-case", finding=GateFinding.NEW, said="is not in the baseline: 9 of 10 passed (90%)"
        ),
    )
    gate = Gate(
        cases=cases,
        baseline="baseline.json of main",
        suite=SuiteDrop(p_value=0.5 if passes else 0.001, level=0.01, cases=20),
        could_find="a case that falls from 95% to 50% or less is found in 90% of gates",
        notes=("this branch changes the baseline (malformed-sql); compared with baseline.json of main",),
    )
    compared = Comparison(
        change=Change.REGRESSED,
        passes_before=29,
        trials_before=30,
        difference=-0.97,
        interval=DifferenceInterval(low=-1.0, high=-0.6),
    )
    cells = tuple(
        dataclasses.replace(cell, comparison=compared) if cell.variant == CURRENT else cell
        for cell in first.cells
    )
    results = (dataclasses.replace(first, cells=cells), *made.cases[1:])
    everything = [cell for result in results for cell in result.cells]
    return dataclasses.replace(made, cases=results, gate=gate, comparisons=compare(arms_of(everything)))
