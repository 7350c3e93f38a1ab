"""``answers.jsonl``: one answer a line, in a stable order, so that two branches that add others merge.

Every line carries the format's version: there is no first line on which two branches could meet.
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
    """What is kept in a case's folder, by key. BadFileError with the line for what is no answer.

    The same answer on two lines is the later one: two branches may both have measured it.
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
    """Write them, sorted by key; the file goes where there are none. What JSON cannot hold is left out: a NaN."""
    path = folder / ANSWERS_FILE
    ordered = sorted(answers, key=lambda cached: (cached.kind, cached.key))
    lines = [line for line in map(_line, ordered) if line is not None]
    if not lines:
        path.unlink(missing_ok=True)
        return
    write_atomically(path, lines)


def suggest_attributes(cases: Path) -> None:
    """Have git keep both sides' lines wherever two branches add some, unless ``cases`` has attributes already."""
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
"""Where str.splitlines ends a line and JSON does not."""


def _parsed(line: str, where: str) -> CachedAnswer:
    if line.startswith(_CONFLICT):
        raise BadFileError(f"{where!r} is a conflict of a merge: keep the lines of both sides")
    document: Any = ANSWERS_FORMAT.upgrade(parse_json(line, path=where), path=where)
    try:
        return adapter().validate_python({key: value for key, value in document.items() if key != "version"})
    except ValidationError as error:
        raise BadFileError(f"{where!r}: {explain(error, schema=adapter().json_schema)}") from error
