"""Tables that packages and projects add to a report, as frozen values."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True, kw_only=True)
class Sparkline:
    """A small line chart in a row, of shares between 0 and 1, from left to right; None leaves a gap.

    ``text`` is read out in its place. ``limit`` is drawn as a dashed line.
    """

    values: Sequence[float | None]
    text: str
    limit: float | None = None

    @property
    def lines(self) -> tuple[tuple[tuple[float, float], ...], ...]:
        """The points between two gaps, as ``(x, y)`` in a box of 100 by 20 with room for a dot at its edges."""
        step = 96 / max(1, len(self.values) - 1)
        places = [
            None if value is None else (round(2 + step * index, 1), self.height(value))
            for index, value in enumerate(self.values)
        ]
        runs = groupby(places, key=lambda place: place is None)
        return tuple(tuple(place for place in run if place is not None) for is_gap, run in runs if not is_gap)

    @staticmethod
    def height(value: float) -> float:
        return round(18 - 16 * min(1.0, max(0.0, value)), 1)


@dataclass(frozen=True, kw_only=True)
class Section:
    """A table with a heading. Every row has a text, or a chart, for each of ``columns``; ``note`` is shown above the
    table.
    """

    title: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str | Sparkline]] = ()
    note: str = ""
