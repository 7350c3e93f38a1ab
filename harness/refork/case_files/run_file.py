"""``run.json``: a recorded run. Written by ``refork capture``, never edited."""

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from refork.case_files.large_values import expanded
from refork.errors import BadFileError, ValueNotPortableError
from refork.records import Run, Step
from refork.storage.files import read_text, write_atomically
from refork.storage.format_versions import FileFormat
from refork.storage.json_text import dump_json, parse_json
from refork.storage.validation import explain
from refork.text.lines import one_line
from refork.version import __version__

RUN_FILE: Final = "run.json"
RUN_FORMAT: Final = FileFormat(version=1)
_END: Final = "\n }\n}\n"


class _RunFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: int
    refork: str
    run: Run


def save_run(folder: Path, run: Run, *, steps: Iterable[Step] | None = None) -> Path:
    """Write ``run`` to ``run.json`` in ``folder``, which is created if it is missing, and return the file's path.

    ``steps`` replace the run's own steps and are written one by one, so they need not fit into memory. Fields have a
    fixed order and are left out if they are empty, so that diffs stay small. Keys inside recorded values keep their
    order.
    """
    path = folder / RUN_FILE
    write_atomically(path, _parts(replace(run, steps=()), run.steps if steps is None else steps))
    return path


def _parts(run: Run, steps: Iterable[Step]) -> Iterator[str]:
    """Yield the text of the file step by step. The result is the same as if it had been written at once."""
    document = {"version": RUN_FORMAT.version, "refork": __version__, "run": _plain(run)}
    whole = _json(document, run).removesuffix(_END)
    yield whole
    separator = ',\n  "steps": [\n   '
    for step in steps:
        # No line break but those of the layout stands in JSON.
        yield separator + _json(_plain(step), run).rstrip("\n").replace("\n", "\n   ")
        separator = ",\n   "
    yield _END if separator.startswith(',\n  "') else f"\n  ]{_END}"


def _json(document: dict[str, Any], run: Run) -> str:
    try:
        return dump_json(document)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueNotPortableError(
            f"run {run.id!r} holds a value that is not plain JSON ({one_line(str(error))}); "
            "encode it with refork.values.encode first"
        ) from error


def load_run(path: Path) -> Run:
    """Load the run in ``path``, a run.json or a folder that contains one. Raises BadFileError for anything else."""
    file = path / RUN_FILE if path.is_dir() else path
    text = read_text(file, inside=file.parent)
    document = RUN_FORMAT.upgrade(parse_json(text, path=file), path=file)
    return _checked(_validated(expanded(document, path=file), file), file)


def _validated(document: dict[str, Any], path: Path) -> Run:
    try:
        return _adapter().validate_python(document).run
    except ValidationError as error:
        finding = explain(error, schema=lambda: _adapter().json_schema())
        raise BadFileError(f"{str(path)!r}: {finding}") from error


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[_RunFile]:
    return TypeAdapter(_RunFile)


def _checked(run: Run, path: Path) -> Run:
    if not _is_printable(run):
        raise BadFileError(f"{str(path)!r}: half a surrogate pair is not text; capture the run again")
    numbers = [step.number for step in run.steps]
    if len(set(numbers)) != len(numbers):
        twice = next(number for number in numbers if numbers.count(number) > 1)
        raise BadFileError(f"{str(path)!r}: step {twice} stands twice in 'run.steps'; capture the run again")
    if any(number < 0 for number in numbers):
        raise BadFileError(
            f"{str(path)!r}: a step's number is negative in 'run.steps'; capture the run again"
        )
    return run


def _plain(value: Any) -> Any:
    """Return a run's dataclasses as dicts without fields at their default. Recorded values are unchanged."""
    if is_dataclass(value) and not isinstance(value, type):
        return _set_fields(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return _text(value)
    return value


def _set_fields(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in fields(value):
        item = getattr(value, field.name)
        if not _is_default(item, field):
            found[field.name] = dict(sorted(item.items())) if field.name == "settings" else _plain(item)
    return found


def _is_default(item: Any, field: Any) -> bool:
    if isinstance(item, dict | tuple) and not item:
        return callable(field.default_factory) or field.default == ()
    return item is None or (type(item) is type(field.default) and item == field.default)


def _text(text: str) -> str:
    # A field of text is printed, which half a surrogate pair would break; recorded values can hold one.
    return text.encode("utf-8", "backslashreplace").decode()


def _is_printable(value: Any) -> bool:
    """Return whether every text field can be written as UTF-8."""
    if is_dataclass(value):
        return all(_is_printable(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, tuple):
        return all(map(_is_printable, value))
    return not isinstance(value, str) or _text(value) == value
