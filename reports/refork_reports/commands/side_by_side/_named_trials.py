"""Finds trials by the names that people write: CASE:VARIANT#N, or RUN@STEP:VARIANT#N."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from refork.config import Config
from refork.errors import BadInputError
from refork.storage.files import write_atomically
from refork.text.lines import nearest
from refork_evals.results import SuiteResult

from refork_reports.commands.side_by_side._trials import FoundTrial
from refork_reports.results_file.merge import read_merged
from refork_reports.results_file.read import RESULTS
from refork_reports.results_file.schema import CaseEntry
from refork_reports.results_json import dumps
from refork_reports.tryout.cases import folder_of

_NAME: Final = re.compile(r"(?P<cell>.+:.+)#(?P<number>\d{1,9})", re.DOTALL)


def is_trial(text: str) -> bool:
    """Return whether ``text`` has the form of a trial's name rather than of a run's id."""
    return _NAME.fullmatch(text) is not None


def results_files(config: Config, given: Path | None) -> Sequence[Path]:
    """Return the results to look in: ``given``, or those of the last session and of the last `refork try`.

    Raises BadInputError if there are none.
    """
    if given is not None:
        return (given,)
    known = [folder / RESULTS for folder in (config.report, folder_of(config))]
    found = sorted((file for file in known if file.is_file()), key=lambda file: file.stat().st_mtime)
    if not found:
        raise BadInputError(
            f"there are no results in {str(config.report)!r}: run `pytest --agent-evals` or `refork try` first, "
            "or name a file with --results"
        )
    return found


def keep_results(result: SuiteResult, config: Config) -> None:
    """Write what `refork try` found where :func:`results_files` looks. Raises BadFileError."""
    write_atomically(folder_of(config) / RESULTS, dumps(result))


@dataclass(frozen=True, kw_only=True)
class TrialFinder:
    """The cases of one or several results.json."""

    cases: tuple[CaseEntry, ...]

    @classmethod
    def of(cls, files: Sequence[Path]) -> "TrialFinder":
        """Raises BadFileError for a file that is missing or damaged."""
        return cls(cases=read_merged(files).cases)

    def find(self, name: str) -> FoundTrial:
        """Return the trial of this name. Raises BadInputError that says which names there are."""
        match = _NAME.fullmatch(name)
        if match is None:
            raise BadInputError(f"{name!r} names no trial: write CASE:VARIANT#N or RUN@STEP:VARIANT#N")
        number, splits = int(match["number"]), [*_splits(match["cell"])]
        cases = [(case, variant) for head, variant in splits for case in self._cases(head)]
        if not cases:
            known = nearest(splits[0][0], [case.name for case in self.cases])
            raise BadInputError(f"{name!r}: the results have no such case{known}")
        cells = [(case, cell) for case, variant in cases for cell in case.cells if cell.variant == variant]
        if not cells:
            case, variant = cases[0]
            known = nearest(variant, [cell.variant for cell in case.cells])
            raise BadInputError(f"{name!r}: case {case.name!r} has no such variant{known}")
        if len(cells) > 1:
            names = ", ".join(repr(case.name) for case, _ in cells)
            raise BadInputError(f"{name!r} fits the cases {names}: name one of them")
        case, cell = cells[0]
        found = next((trial for trial in cell.trials if trial.number == number), None)
        if found is None:
            numbers = [trial.number for trial in cell.trials]
            there = f"its trials are {min(numbers)} to {max(numbers)}" if numbers else "it has none"
            raise BadInputError(f"{name!r}: {cell.variant!r} has no trial {number}; {there}")
        return FoundTrial(case=case, cell=cell, trial=found)

    def _cases(self, head: str) -> list[CaseEntry]:
        named = [case for case in self.cases if case.name == head]
        return named or [case for case in self.cases if _is_forked_at(case, head)]


def _splits(cell: str) -> Iterator[tuple[str, str]]:
    """Both parts of the name before ``#``: a variant's name may contain a colon, and so may a run's id."""
    for place in (found.start() for found in re.finditer(":", cell)):
        head, variant = cell[:place], cell[place + 1 :]
        if head and variant:
            yield head, variant


def _is_forked_at(case: CaseEntry, head: str) -> bool:
    run, sign, step = head.rpartition("@")
    if not sign:
        run, step = head, ""
    return bool(run) and case.run.id.startswith(run) and step in ("", str(case.step), case.agent)
