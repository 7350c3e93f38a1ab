"""Reads and writes ``labels.jsonl`` of a case: a person's decisions about outputs, used to check a judge.

The first line has the version, every other line one label. The lines are sorted, so git merges two people's labels as
text.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from refork.errors import BadFileError
from refork.storage.files import MEGABYTE, read_text, write_atomically
from refork.storage.format_versions import FileFormat
from refork.storage.json_text import parse_json
from refork.storage.validation import explain

from refork_evals.digests import DIGITS

LABELS_FILE: Final = "labels.jsonl"
LABELS_FORMAT: Final = FileFormat(version=1)
BEGINS: Final = 80
"""Characters of an output that are stored with its digest, for people who read the file."""

Key: TypeAlias = tuple[str, str]
"""The digests of the rubric and of the output."""

_Model = TypeVar("_Model", bound=BaseModel)
_Digest = Annotated[str, StringConstraints(pattern=rf"^[0-9a-f]{{{DIGITS}}}$")]


@dataclass(frozen=True, kw_only=True)
class Label:
    """A person's decision whether an output meets a rubric. ``begins`` is the beginning of the output."""

    rubric: str
    output: str
    passes: bool
    begins: str = ""

    @property
    def key(self) -> Key:
        return (self.rubric, self.output)


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    version: int


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    rubric: _Digest
    output: _Digest
    passes: bool = Field(alias="pass")
    begins: str = ""


def load_labels(folder: Path) -> Mapping[Key, Label]:
    """Return the labels of the case in ``folder``; none if there is no file.

    Raises BadFileError, with file and line, if the file is damaged or of a newer version, or if an output is labelled
    both ways.
    """
    file = folder / LABELS_FILE
    if not file.exists() and not file.is_symlink():
        return {}
    lines = read_text(file, inside=folder, limit=100 * MEGABYTE).split("\n")
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not numbered:
        raise BadFileError(f'{str(file)!r} is empty: its first line is {{"version": 1}}')
    header = LABELS_FORMAT.upgrade(_parsed(file, *numbered[0]), path=file)
    _checked(_Header, header, _place(file, numbered[0][0]))
    return _collected(file, numbered[1:])


def save_labels(folder: Path, labels: Iterable[Label]) -> None:
    """Write the whole file in its fixed order. Raises BadFileError if the folder cannot be written to."""
    lines = [{"version": LABELS_FORMAT.version}]
    lines += [_written(label) for label in sorted(labels, key=lambda label: label.key)]
    text = "".join(json.dumps(line, ensure_ascii=True) + "\n" for line in lines)
    write_atomically(folder / LABELS_FILE, text)


def _written(label: Label) -> dict[str, Any]:
    return {
        "rubric": label.rubric,
        "output": label.output,
        "pass": label.passes,
        "begins": " ".join(label.begins.split())[:BEGINS],
    }


def _collected(file: Path, numbered: Iterable[tuple[int, str]]) -> dict[Key, Label]:
    found: dict[Key, tuple[int, Label]] = {}
    for number, text in numbered:
        line = _checked(_Line, _parsed(file, number, text), _place(file, number))
        label = Label(rubric=line.rubric, output=line.output, passes=line.passes, begins=line.begins)
        before = found.setdefault(label.key, (number, label))
        if before[1].passes is not label.passes:
            raise BadFileError(
                f"{_place(file, number)}: the output is labelled the other way on line {before[0]}; "
                "keep one of the two lines"
            )
    return {key: label for key, (_, label) in found.items()}


def _parsed(file: Path, number: int, text: str) -> Any:
    try:
        return parse_json(text, path=file)
    except BadFileError as error:
        what = str(error).removeprefix(repr(str(file))).removeprefix(":").strip().replace(": line 1, ", ": ")
        raise BadFileError(f"{_place(file, number)}: {what}") from None


def _checked(model: type[_Model], data: Any, place: str) -> _Model:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise BadFileError(f"{place}: {explain(error, schema=model.model_json_schema)}") from None


def _place(file: Path, number: int) -> str:
    return f"{str(file)!r}, line {number}"
