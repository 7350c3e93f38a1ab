"""Describes the verdict of a cell in one line."""

from collections.abc import Sequence
from typing import Protocol

from refork.text import numbers as humanize
from refork.text.escape import escape_controls
from refork_evals.results import Interval, Verdict

from refork_reports.sentences.statistics import margins


class MeasuredCell(margins.Compared, Protocol):
    """A cell as it was computed, or as it was read from ``results.json``."""

    @property
    def verdict(self) -> Verdict: ...
    @property
    def reason(self) -> str: ...
    @property
    def passes(self) -> int: ...
    @property
    def errors(self) -> int: ...
    @property
    def interval(self) -> Interval | None: ...
    @property
    def trials(self) -> Sequence[object]: ...


def verdict_line(cell: MeasuredCell) -> str:
    """Return the verdict in one line: ``fail: 2 of 10 trials passed (6-51%), at least 80% wanted``.

    Beside a baseline: ``held: 8 of 8 trials passed (68-100%), before 28 of 30: no drop of more than 45 points``.
    """
    if cell.verdict in (Verdict.STALE, Verdict.ERROR):
        return f"{cell.verdict}: {escape_controls(cell.reason)}"
    missing = f", {cell.errors} in error" if cell.errors else ""
    interval = humanize.interval(cell.interval.low, cell.interval.high) if cell.interval else humanize.UNKNOWN
    return (
        f"{cell.verdict}: {cell.passes} of {humanize.plural(len(cell.trials), 'trial')} passed{missing} "
        f"(95% interval {interval}), {margins.wanted(cell)}"
    )
