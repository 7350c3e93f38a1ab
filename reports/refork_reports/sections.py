"""Loads sections that other packages add to the report, by entry points of the group ``refork.sections``.

An entry point names a function that takes the evaluation (:class:`refork_evals.results.SuiteResult`) and returns a
:class:`Section`, or None if it has nothing to show. Its texts are escaped, so a section cannot contain markup. If
the function raises, the report shows the error in place of the section.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from itertools import groupby
from typing import Final

from refork.redaction.error_text import summary
from refork_evals.results import SuiteResult

GROUP: Final = "refork.sections"


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


def sections(evaluation: SuiteResult) -> tuple[Section, ...]:
    """Return all sections, sorted by the names of their entry points. A section that fails is replaced by its
    error.
    """
    found = sorted(entry_points(group=GROUP), key=lambda entry: entry.name)
    return tuple(section for entry in found for section in _made(entry, evaluation))


def _made(entry: EntryPoint, evaluation: SuiteResult) -> Iterator[Section]:
    try:
        make: Callable[[SuiteResult], object] = entry.load()
        section = make(evaluation)
        if section is not None:
            yield _checked(section)
    except Exception as error:  # a stranger's code must not cost the report
        yield Section(
            title=entry.name, note=f"This section could not be made by {entry.value!r}: {summary(error)}"
        )


def _checked(section: object) -> Section:
    if not isinstance(section, Section):
        raise TypeError(f"gave {type(section).__name__}, and a refork_reports.sections.Section is needed")
    columns = tuple(map(str, section.columns))
    rows = tuple(tuple(map(_cell, row)) for row in section.rows)
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"a row has {len(row)} texts for {len(columns)} columns")
    return Section(title=str(section.title), columns=columns, rows=rows, note=str(section.note))


def _cell(content: object) -> str | Sparkline:
    return content if isinstance(content, Sparkline) else str(content)
