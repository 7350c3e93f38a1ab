"""Reads and writes ``answers.jsonl``: one answer per line, in a stable order, so that git can merge two branches.

Every line has the format's version, so there is no first line on which two branches could conflict.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from refork.errors import BadFileError
from refork.records.cached_answer import AnswerKey, CachedAnswer, adapter
from refork.storage.files import MEGABYTE, read_text, write_atomically
from refork.storage.format_versions import FileFormat
from refork.storage.json_text import parse_json
from refork.storage.validation import explain

ANSWERS_FILE: Final = "answers.jsonl"
ATTRIBUTES_FILE: Final = ".gitattributes"
ANSWERS_FORMAT: Final = FileFormat(version=1)
_LIMIT: Final = 1_000 * MEGABYTE
_CONFLICT: Final = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")


def load_answers(folder: Path) -> dict[AnswerKey, CachedAnswer]:
    """Return the answers in a case's folder, by key. Raises BadFileError with the line number for an invalid line.

    If the same answer is on two lines, because two branches measured it, the later one counts.
    """
    path = folder / ANSWERS_FILE
    if not path.exists():
        return {}
    found: dict[AnswerKey, CachedAnswer] = {}
    for number, line in enumerate(read_text(path, inside=folder, limit=_LIMIT).splitlines(), 1):
        if line.strip():
            cached = _parsed(line, f"{path}, line {number}")
            known = found.get(cached.key)
            if known is None or known.answered_at <= cached.answered_at:
                found[cached.key] = cached
    return found


def save_answers(folder: Path, answers: Iterable[CachedAnswer]) -> None:
    """Write the answers, sorted by key, or delete the file if there are none. Leaves out answers that JSON cannot
    hold, such as a NaN.
    """
    path = folder / ANSWERS_FILE
    ordered = sorted(answers, key=lambda cached: (cached.kind, cached.key))
    lines = [line for line in map(_line, ordered) if line is not None]
    if not lines:
        path.unlink(missing_ok=True)
        return
    write_atomically(path, lines)


def suggest_attributes(cases: Path) -> None:
    """Write a .gitattributes that makes git keep both sides' lines when two branches add some, unless ``cases`` has
    one already.
    """
    path = cases / ATTRIBUTES_FILE
    if not path.exists() and not path.is_symlink():
        write_atomically(path, f"{ANSWERS_FILE} merge=union\n")


def _line(cached: CachedAnswer) -> str | None:
    try:
        values = adapter().dump_python(cached, mode="json", exclude_defaults=True)
        text = json.dumps({"version": ANSWERS_FORMAT.version, **values}, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return None
    # Half a surrogate pair becomes the escape that stands for it; U+2028 and its like would break the line.
    escaped = "".join(f"\\u{ord(mark):04x}" if mark in _BREAKS else mark for mark in text)
    return escaped.encode("utf-8", "backslashreplace").decode() + "\n"


_BREAKS: Final = frozenset("\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
"""Characters at which str.splitlines ends a line and JSON does not."""


def _parsed(line: str, where: str) -> CachedAnswer:
    if line.startswith(_CONFLICT):
        raise BadFileError(f"{where!r} is a conflict of a merge: keep the lines of both sides")
    document: Any = ANSWERS_FORMAT.upgrade(parse_json(line, path=where), path=where)
    try:
        return adapter().validate_python({key: value for key, value in document.items() if key != "version"})
    except ValidationError as error:
        raise BadFileError(f"{where!r}: {explain(error, schema=adapter().json_schema)}") from error
