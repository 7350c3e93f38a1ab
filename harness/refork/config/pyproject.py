"""Reads ``[tool.refork]`` of pyproject.toml."""

import tomllib
from pathlib import Path
from typing import Any, Final

from refork.config.given import Given, as_list
from refork.config.settings import KEYS
from refork.errors import BadFileError
from refork.storage.files import MEGABYTE, read_text
from refork.text.lines import nearest, one_line

PROJECT_FILE: Final = "pyproject.toml"


def nearest_file(root: Path) -> Path | None:
    """Return the pyproject.toml of the project that contains ``root``; None if there is none."""
    start = root.absolute()
    return next(
        (path for folder in (start, *start.parents) if (path := folder / PROJECT_FILE).is_file()), None
    )


def from_file(file: Path | None) -> dict[str, Given]:
    """Return the settings in a pyproject.toml, by key. Raises BadFileError."""
    if file is None:
        return {}
    table = _table(_table(_parsed(file), "tool", file), "refork", file, "tool.")
    for key in table:
        if key not in KEYS:
            raise BadFileError(
                f"{str(file)!r}: unknown key {'tool.refork.' + one_line(key)!r}{nearest(key, KEYS)}"
            )
    return {
        key: Given(value=as_list(key, value), source=f"{str(file)!r}: {'tool.refork.' + key!r}")
        for key, value in table.items()
    }


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(file, limit=10 * MEGABYTE))
    except RecursionError as error:
        raise BadFileError(f"{str(file)!r} is nested too deeply") from error
    except ValueError as error:
        raise BadFileError(f"{str(file)!r} is not TOML: {one_line(str(error))}") from error


def _table(parent: dict[str, Any], key: str, file: Path, prefix: str = "") -> dict[str, Any]:
    table = parent.get(key, {})
    if not isinstance(table, dict):
        raise BadFileError(f"{str(file)!r}: {prefix + key!r} must be a table, as in [{prefix}{key}]")
    return table
