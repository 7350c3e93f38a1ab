"""Decides at the gate about trials that could not be measured: which a project may tolerate, and how many are too
many.
"""

from typing import Final

from refork_evals.results import Cell, ScoredTrial

MOST: Final = 0.5
"""The share of errors above which a case counts as not measured, whatever the baseline says."""


def is_forgivable(cell: Cell) -> bool:
    """Return whether missing cached answers are the only reason why a cell was not measured."""
    unknown = unmeasured(cell)
    return bool(unknown) and all(each.is_unanswered for each in unknown)


def too_many_errors(cell: Cell) -> str:
    """Explain why a cell counts as not measured: more than half of its trials ended in an error. Empty if it counts.

    Missing cached answers do not count as errors here.
    """
    errors = sum(not each.is_unanswered for each in unmeasured(cell))
    ran = len(cell.trials)
    return f"{errors} of {ran} trials could not be measured" if errors > MOST * ran else ""


def unmeasured(cell: Cell) -> list[ScoredTrial]:
    return [each for each in cell.trials if each.passed is None]
