"""``history.jsonl``: a line for each session, appended and read back.

Unknown keys of a line are ignored, because a file lives longer than a version of Refork and a newer one may have added
a key. A line that is not JSON was cut off by a kill, or is the mark of a merge conflict: it is passed over and counted.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from refork.errors import BadFileError
from refork.storage.appending import append_line
from refork.storage.files import read_text
from refork.storage.format_versions import FileFormat
from refork.storage.validation import explain
from refork_evals.results import PastSession

HISTORY: Final = "history.jsonl"
HISTORY_FORMAT: Final = FileFormat(version=1)


@dataclass(frozen=True, kw_only=True)
class History:
    """The sessions of a file, the oldest first, and how many of its lines cannot be read."""

    sessions: tuple[PastSession, ...] = ()
    unreadable: int = 0


def append(path: Path, session: PastSession) -> None:
    """Append a session. Raises BadFileError if the file cannot be written."""
    values = _adapter().dump_python(session, mode="json", exclude_defaults=True)
    document = {"version": HISTORY_FORMAT.version, **values}
    append_line(path, json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":")))


def read(path: Path, *, last: int | None = None) -> History:
    """Read the sessions, or those of the last ``last`` lines; none if there is no such file.

    Raises BadFileError if the file cannot be read, or if a line has a newer format or lacks a key.
    """
    if not path.exists():
        return History()
    lines = [line for line in read_text(path).split("\n") if line.strip()]
    documents = [_parsed(line) for line in (lines if last is None else lines[-last:])]
    sessions = [_session(document, path) for document in documents if document is not None]
    # git's union merge of two branches keeps the lines of each together.
    ordered = sorted(sessions, key=lambda session: session.started_at)
    return History(sessions=tuple(ordered), unreadable=sum(document is None for document in documents))


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _session(document: Any, path: Path) -> PastSession:
    found = HISTORY_FORMAT.upgrade(document, path=path)
    try:
        return _adapter().validate_python(found)
    except ValidationError as error:
        finding = explain(error, schema=_adapter().json_schema)
        raise BadFileError(f"{str(path)!r} is damaged: {finding}; remove that line") from error


@cache
def _adapter() -> TypeAdapter[PastSession]:
    return TypeAdapter(PastSession)
