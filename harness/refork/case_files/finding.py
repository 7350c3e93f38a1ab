"""Finds a ``case.yaml`` by its path, by its folder, or by the name of its case."""

from pathlib import Path

from refork.case_files.case_file import CASE_FILE
from refork.errors import BadInputError
from refork.text.lines import nearest


def case_file_at(path: Path) -> Path | None:
    """Return ``path`` if it is a ``case.yaml``, or the one in that folder; None if there is none."""
    file = path if path.name == CASE_FILE else path / CASE_FILE
    return file if file.is_file() else None


def case_files_by_name(cases: Path) -> dict[str, Path]:
    """Return the ``case.yaml`` of every case in a folder of cases, by the case's name."""
    return {path.parent.name: path for path in sorted(cases.rglob(CASE_FILE))}


def case_file_named(name: str, cases: Path) -> Path:
    """Return the ``case.yaml`` of a case, by its name in a folder of cases. Raises BadInputError if there is none."""
    files = case_files_by_name(cases)
    if name not in files:
        raise BadInputError(f"no case in {str(cases)!r} is named {name!r}{nearest(name, files)}")
    return files[name]
