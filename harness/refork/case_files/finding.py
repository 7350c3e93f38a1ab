"""Finds a ``case.yaml`` by its path, by its folder, or by the name of its case."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from refork.case_files.case_file import CASE_FILE
from refork.errors import BadFileError, BadInputError
from refork.storage.files import MEGABYTE, read_text
from refork.storage.yaml_text import parse_yaml
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


def own_variants(cases: Path) -> frozenset[str]:
    """The names of all variants that cases of a folder have for themselves. Files that cannot be read have none."""
    return frozenset(name for path in case_files_by_name(cases).values() for name in _own_variants(path))


def _own_variants(path: Path) -> Iterator[str]:
    with suppress(BadFileError):  # who collects the case says what is wrong with it
        data = parse_yaml(read_text(path, inside=path.parent, limit=MEGABYTE), path=path).data
        listed = data.get("variants") if isinstance(data, dict) else None
        for each in listed if isinstance(listed, list) else ():
            if isinstance(each, dict) and isinstance(each.get("name"), str):
                yield each["name"]
