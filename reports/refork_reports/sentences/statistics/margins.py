"""Describes what a cell was measured against, and what its verdict rules out."""

from typing import Protocol

from refork.text import numbers as humanize
from refork_evals.results import Change
from refork_evals.results.comparisons import Comparison

_RULED_OUT = (Change.UNCHANGED, Change.IMPROVED)


class Compared(Protocol):
    """A cell as it was computed, or as it was read from ``results.json``."""

    @property
    def min_pass_rate(self) -> float: ...
    @property
    def comparison(self) -> Comparison | None: ...


def wanted(cell: Compared) -> str:
    """Return what the pass rate is compared with: its baseline if it was compared with one, otherwise the limit."""
    return beside_baseline(cell) or f"at least {humanize.percent(cell.min_pass_rate)} wanted"


def beside_baseline(cell: Compared) -> str:
    """Return the passes of the baseline and what is known of a drop; empty if there was no baseline."""
    compared = cell.comparison
    if compared is None:
        return ""
    then = f"before {before(cell)}"
    if compared.change in _RULED_OUT:
        return f"{then}: {no_drop(compared.margin)}"
    return then


def before(cell: Compared) -> str:
    """Return the passes of the baseline, ``28/30``; empty if there was none to compare with."""
    compared = cell.comparison
    return "" if compared is None else f"{compared.passes_before}/{compared.trials_before}"


def no_drop(margin: float) -> str:
    """Return ``no drop of more than 45 points`` for a share such as 0.45."""
    return f"no drop of more than {margin * 100:.0f} points"
