"""Loads sections that other packages add to the report, by entry points of the group ``refork.sections``.

An entry point names a function that takes the evaluation (:class:`refork_evals.results.SuiteResult`) and returns a
:class:`Section`, or None if it has nothing to show. Its texts are escaped, so a section cannot contain markup. If
the function raises, the report shows the error in place of the section.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from refork.redaction.error_text import summary
from refork_evals.results import SuiteResult
from refork_evals.results.sections import Section, Sparkline

__all__ = ["GROUP", "Section", "Sparkline", "sections", "with_sections"]

GROUP: Final = "refork.sections"


def sections(evaluation: SuiteResult) -> tuple[Section, ...]:
    """Return all sections, sorted by the names of their entry points. A section that fails is replaced by its
    error.

    Those that the evaluation holds already, because it was read from a file, are not made again.
    """
    if evaluation.sections is not None:
        return evaluation.sections
    found = sorted(entry_points(group=GROUP), key=lambda entry: entry.name)
    return tuple(section for entry in found for section in _made(entry, evaluation))


def with_sections(evaluation: SuiteResult) -> SuiteResult:
    """Return the evaluation with its sections, so that every file that holds them shows the same."""
    return replace(evaluation, sections=sections(evaluation))


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
    return _finite(content) if isinstance(content, Sparkline) else str(content)


def _finite(chart: Sparkline) -> Sparkline:
    """Return a chart with gaps in place of what is no number, which neither a page nor JSON can hold."""
    values = (None if value is None or not math.isfinite(value) else float(value) for value in chart.values)
    return replace(chart, values=tuple(values), text=str(chart.text))
