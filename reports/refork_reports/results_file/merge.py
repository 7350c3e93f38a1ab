"""Several ``results.json`` as one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from refork_reports.results_file.read import RESULTS, read
from refork_reports.results_file.schema import CaseEntry, CellEntry, Results


@dataclass(frozen=True, kw_only=True)
class MergedResults:
    """The cases of several sessions, in the order in which they were first seen.

    ``sessions`` are the files as they were read. ``notes`` name, a line each, the cells that several of them hold.
    """

    cases: tuple[CaseEntry, ...]
    sessions: tuple[Results, ...]
    notes: tuple[str, ...] = ()


def read_merged(paths: Sequence[Path]) -> MergedResults:
    """Read several ``results.json``, or the folders that hold one. A later path wins where two hold the same cell.

    Raises BadFileError for one that is missing, damaged or of a newer version.
    """
    files = [path / RESULTS if path.is_dir() else path for path in paths]
    return merged({str(file): read(file) for file in files})


def merged(sessions: Mapping[str, Results]) -> MergedResults:
    """Merge sessions by case and variant; the keys name their files in the notes."""
    cases: dict[str, CaseEntry] = {}
    origins: dict[tuple[str, str], str] = {}
    notes: list[str] = []
    for origin, session in sessions.items():
        for case in session.cases:
            for cell in case.cells:
                key = (case.name, cell.variant)
                if key in origins:
                    notes.append(
                        f"{cell.variant!r} of case {case.name!r} is in {origins[key]!r} and in {origin!r}: "
                        "the latter is taken"
                    )
                origins[key] = origin
            cases[case.name] = _over(cases.get(case.name), case)
    return MergedResults(cases=tuple(cases.values()), sessions=tuple(sessions.values()), notes=tuple(notes))


def _over(before: CaseEntry | None, after: CaseEntry) -> CaseEntry:
    if before is None:
        return after
    cells = _by_variant(before.cells) | _by_variant(after.cells)
    return after.model_copy(update={"cells": list(cells.values())})


def _by_variant(cells: Iterable[CellEntry]) -> dict[str, CellEntry]:
    return {cell.variant: cell for cell in cells}
