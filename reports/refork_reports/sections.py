"""Loads sections that other packages add to the report, by entry points of the group ``refork.sections``.

An entry point names a function that takes the evaluation (:class:`refork_evals.results.SuiteResult`) and returns a
:class:`Section`, or None if it has nothing to show. Its texts are escaped, so a section cannot contain markup. If
the function raises, the report shows the error in place of the section.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from refork.redaction.error_text import summary
from refork_evals.results import SuiteResult

GROUP: Final = "refork.sections"


@dataclass(frozen=True, kw_only=True)
class Section:
    """A table with a heading. Every row has one text for each of ``columns``; ``note`` is shown above the table."""

    title: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
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
    rows = tuple(tuple(map(str, row)) for row in section.rows)
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"a row has {len(row)} texts for {len(columns)} columns")
    return Section(title=str(section.title), columns=columns, rows=rows, note=str(section.note))
