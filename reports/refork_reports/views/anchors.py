"""Names of places on the page, from the names of cases and variants: a link stays right when cases are added."""

import re
from collections.abc import Iterable
from typing import Final

from refork_evals.results import CaseResult, SuiteResult

_UNFIT: Final = re.compile(r"[^\w.~]+")
"""What an anchor leaves out; a slash stands between a case, its variant and a trial, ``?`` before a filter."""


def case_anchors(evaluation: SuiteResult) -> tuple[str, ...]:
    """Return the anchor of each case, such as ``case/misleading-summary``."""
    return _distinct(f"case/{_name(result.case.name)}" for result in evaluation.cases)


def cell_anchors(case_anchor: str, result: CaseResult) -> tuple[str, ...]:
    """Return the anchor of each cell, such as ``case/misleading-summary/careful``; its trials add their number."""
    return _distinct(f"{case_anchor}/{_name(cell.variant)}" for cell in result.cells)


def _name(text: str) -> str:
    return _UNFIT.sub("-", text).strip("-") or "-"


def _distinct(anchors: Iterable[str]) -> tuple[str, ...]:
    """Number an anchor that an earlier one has already: ``case/a~2``."""
    found: dict[str, None] = {}
    for anchor in anchors:
        free, number = anchor, 1
        while free in found:
            number += 1
            free = f"{anchor}~{number}"
        found[free] = None
    return tuple(found)
