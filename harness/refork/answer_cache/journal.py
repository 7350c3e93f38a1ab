"""Stores answers on disk from the moment they arrive until they are in a case's ``answers.jsonl``.

Each process of a session appends to its own journal, which it locks while it lives. The next session recovers the
journals that are not locked any more: they belong to killed sessions.
"""

import json
import os
import time
import uuid
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any, Final

from pydantic import ValidationError

from refork.answer_cache.modes import AnswersMode
from refork.answer_cache.unfinished_sessions import Left, UnfinishedAnswers
from refork.records.cached_answer import CachedAnswer, adapter
from refork.redaction.process_secrets import hidden
from refork.storage.files import sync_folder
from refork.storage.process_locks import held_file
from refork.storage.session_files import MAIN, ProcessJournal, parts_in

VERSION: Final = 1
REUSABLE_SECONDS: Final = 24 * 3600
"""Seconds during which the answers of a killed session may replace new ones in a mode that requests anew, because
models change.
"""
_CASE_FILE: Final = "case.yaml"


class Journal:
    """The journal of this process. Safe to use from any thread. It never raises: a full disk costs no answer.

    ``problem`` says why answers cannot be written down, empty where they can.
    """

    def __init__(self, path: Path, descriptor: int, mode: AnswersMode, home: Path) -> None:
        self.path = path
        self.problem = ""
        self._descriptor = descriptor
        self._home = home
        self._mode = mode
        self._is_torn = False
        self._writing, self._syncing = Lock(), Lock()
        self._written, self._synced = 0, 0

    def add(self, folder: Path, cached: CachedAnswer) -> None:
        """Write an answer of the case in ``folder`` to disk, so that it survives the process and the machine."""
        try:
            line = _line(folder, self._home, cached, self._mode)
        except (TypeError, ValueError, RecursionError):
            return  # what JSON cannot hold is not kept in answers.jsonl either
        try:
            with self._writing:
                self._write(line)
                self._written += 1
                number = self._written
            self._sync(number)
        except OSError as error:
            self.problem = self.problem or (error.strerror or type(error).__name__)

    def _sync(self, number: int) -> None:
        """Wait until the line of this number is on the disk. One sync serves all threads that wait meanwhile."""
        with self._syncing:
            if self._synced < number:
                written = self._written
                os.fsync(self._descriptor)
                self._synced = written

    def _write(self, line: bytes) -> None:
        # A disk that was full for a moment took a part of a line: the next one must not be glued to it.
        left = b"\n" + line if self._is_torn else line
        self._is_torn = True
        while left:
            left = left[os.write(self._descriptor, left) :]
        self._is_torn = False


def new_session() -> str:
    """Return a new name with which the journals of one session begin."""
    return uuid.uuid4().hex


@contextmanager
def open_journal(
    folder: Path, *, mode: AnswersMode, home: Path, session: str | None = None, part: str = MAIN
) -> Generator[Journal | None]:
    """Open a journal for this process in a project's cache folder. Returns None if none can be written.

    ``session`` is shared by all processes of a session, ``part`` names this one, ``home`` is the project's folder,
    which the cases lie in. The file is left where it is: whoever has seen its answers into ``answers.jsonl``
    deletes it.
    """
    own = ProcessJournal(folder=folder, session=session or new_session(), name=part)
    with ExitStack() as stack:
        try:
            held = stack.enter_context(held_file(own.lock))
            descriptor = os.open(own.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if held else None
            sync_folder(folder)
        except OSError:
            descriptor = None
        if descriptor is None:
            yield None
            return
        stack.callback(os.close, descriptor)
        try:
            yield Journal(own.path, descriptor, mode, home)
        finally:
            if own.path.exists() and own.path.stat().st_size == 0:
                own.remove()


@contextmanager
def unfinished_answers(
    folder: Path, home: Path, *, session: str | None = None
) -> Generator[UnfinishedAnswers]:
    """Yield the answers of killed sessions, or those of ``session``, and hold their journals meanwhile.

    A process may outlive its session for a moment. What it has written is read, and its journal is left alone.
    """
    found = UnfinishedAnswers()
    with ExitStack() as stack:
        parts = [part for part in parts_in(folder) if session is None or part.session == session]
        held = [part for part in parts if _take(part, stack)]
        for part in held:
            found.hold(part, read_journal(part.path, home))
        for part in parts:
            if part not in held and part.is_orphan(held):
                found.see(part, read_journal(part.path, home))
        yield found


def read_journal(path: Path, home: Path) -> Iterator[Left]:
    """Yield the answers of a journal. Skips a line that was cut off or that another version wrote."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return
    is_over = ProcessJournal.at(path).is_over
    for line in lines:
        with suppress(ValueError, KeyError, TypeError, RecursionError, ValidationError):
            document: Any = json.loads(line)
            folder = Path(os.path.normpath(home / document["folder"]))
            if document["version"] == VERSION and _may_be_a_case(folder, home):
                cached = adapter().validate_python(document["answer"])
                mode = AnswersMode.REUSE if is_over else AnswersMode(document["mode"])
                yield Left(folder=folder, cached=cached, mode=mode, journal=path)


def is_fresh(cached: CachedAnswer) -> bool:
    """Return whether an answer is recent enough to replace a new one."""
    return time.time() - cached.answered_at.timestamp() < REUSABLE_SECONDS


def _take(part: ProcessJournal, stack: ExitStack) -> bool:
    try:
        return stack.enter_context(held_file(part.lock)) and part.path.exists()
    except OSError:
        return False  # a folder that may not be written to


def _line(folder: Path, home: Path, cached: CachedAnswer, mode: AnswersMode) -> bytes:
    place = folder.relative_to(home) if folder.is_relative_to(home) else folder
    values = adapter().dump_python(cached, mode="json", exclude_defaults=True)
    document = {"version": VERSION, "mode": mode.value, "folder": place.as_posix(), "answer": values}
    return hidden(json.dumps(document, allow_nan=False)).encode() + b"\n"


def _may_be_a_case(folder: Path, home: Path) -> bool:
    """Return whether answers may be written into a folder: one of the project, where cases come and go, or a case
    elsewhere.
    """
    return folder.is_relative_to(os.path.normpath(home)) or (folder / _CASE_FILE).is_file()
