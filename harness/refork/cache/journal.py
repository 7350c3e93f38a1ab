"""Answers on disk from the moment they arrive until they stand in a case's ``answers.jsonl``.

Each process of a session appends to a journal of its own, which it holds a lock on for as long as it lives. The next
session takes up the journals that nobody holds any more: they are what sessions left that were killed.
"""

import json
import os
import time
import uuid
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final

from pydantic import ValidationError

from refork.answers.kept import Kept, adapter
from refork.answers.modes import AnswersMode
from refork.cache.locks import held_file

VERSION: Final = 1
SUFFIX: Final = ".answers"
KEPT_SECONDS: Final = 24 * 3600
"""How long the answers of a killed session may stand in for new ones where a session asks afresh: models change."""


class Journal:
    """The journal of this process. Safe to use from any thread. It never raises: a full disk costs no answer."""

    def __init__(self, path: Path, descriptor: int, mode: AnswersMode, home: Path) -> None:
        self.path = path
        self.problem = ""
        self._descriptor = descriptor
        self._home = home
        self._mode = mode
        self._lock = Lock()

    def add(self, folder: Path, kept: Kept) -> None:
        """Write down an answer of the case in ``folder``, so that it survives the process and the machine."""
        try:
            line = _line(folder.relative_to(self._home), kept, self._mode)
        except (TypeError, ValueError, RecursionError):
            return  # what JSON cannot hold is not kept in answers.jsonl either
        try:
            with self._lock:
                os.write(self._descriptor, line)
                os.fsync(self._descriptor)
        except OSError as error:
            self.problem = self.problem or (error.strerror or type(error).__name__)


@dataclass(frozen=True, kw_only=True)
class Left:
    """An answer of a session that ended without its end. ``mode`` is how that session used kept answers."""

    folder: Path
    kept: Kept
    mode: AnswersMode


@dataclass(kw_only=True)
class LeftAnswers:
    """The answers in journals that nobody holds, and these journals, which go with :meth:`forget`."""

    answers: list[Left] = field(default_factory=list[Left])
    _files: list[Path] = field(default_factory=list[Path])

    def forget(self) -> None:
        """Delete the journals: all of their answers stand elsewhere."""
        for path in self._files:
            with suppress(OSError):
                path.unlink()
            with suppress(OSError):
                path.with_suffix(".lock").unlink()
        self._files.clear()


@contextmanager
def open_journal(folder: Path, *, mode: AnswersMode, home: Path) -> Generator[Journal | None]:
    """A journal for this process in a project's cache folder; None where none can be written.

    ``home`` is the project's folder, which the cases lie in. The file is left where it is: whoever has seen its
    answers into ``answers.jsonl`` deletes it.
    """
    path = folder / f"{uuid.uuid4().hex}{SUFFIX}"
    with ExitStack() as stack:
        try:
            held = stack.enter_context(held_file(path.with_suffix(".lock")))
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if held else None
        except OSError:
            descriptor = None
        if descriptor is None:
            yield None
            return
        stack.callback(os.close, descriptor)
        try:
            yield Journal(path, descriptor, mode, home)
        finally:
            if path.exists() and path.stat().st_size == 0:
                path.unlink()
                path.with_suffix(".lock").unlink(missing_ok=True)


@contextmanager
def left_answers(folder: Path, home: Path) -> Generator[LeftAnswers]:
    """What killed sessions left of answers, held while it lasts, so that two sessions never take up one journal."""
    with ExitStack() as stack:
        found = LeftAnswers()
        for path in sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else ():
            if stack.enter_context(held_file(path.with_suffix(".lock"))) and path.exists():
                found._files.append(path)
                found.answers += _read(path, home)
        yield found


def _line(folder: Path, kept: Kept, mode: AnswersMode) -> bytes:
    values = adapter().dump_python(kept, mode="json", exclude_defaults=True)
    document = {"version": VERSION, "mode": mode.value, "folder": folder.as_posix(), "answer": values}
    return json.dumps(document, allow_nan=False).encode() + b"\n"


def _read(path: Path, home: Path) -> Iterator[Left]:
    """The answers of a journal. A line that was cut off, or that another version wrote, is passed over."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        with suppress(ValueError, KeyError, TypeError, RecursionError, ValidationError):
            document: Any = json.loads(line)
            folder = home / document["folder"]
            if document["version"] == VERSION and folder.resolve().is_relative_to(home.resolve()):
                kept = adapter().validate_python(document["answer"])
                yield Left(folder=folder, kept=kept, mode=AnswersMode(document["mode"]))


def is_fresh(kept: Kept) -> bool:
    """Whether an answer may stand in for a new one."""
    return time.time() - kept.answered_at.timestamp() < KEPT_SECONDS
