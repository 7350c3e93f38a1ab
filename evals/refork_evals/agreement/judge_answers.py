"""Caches the replies of judges, next to the answers that they judged."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from refork.answer_cache import AnswerKey, AnswersMode, CachedAnswer, Store
from refork.answer_cache.request_keys import digest


@dataclass(frozen=True, kw_only=True)
class JudgeAnswer:
    """A vote that was paid for, and the folder of the case that it belongs to."""

    folder: Path
    cached: CachedAnswer


@dataclass(frozen=True, kw_only=True)
class _JudgedOutput:
    """The output that is being judged."""

    folder: Path
    trial: int
    of: str | None


class JudgeAnswers:
    """Finds cached replies of judges, and stores new ones. Safe to use from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._made: list[JudgeAnswer] = []
        self.reused: Counter[Path] = Counter()

    @property
    def offline(self) -> bool:
        return self._store.mode is AnswersMode.OFFLINE

    @property
    def made(self) -> tuple[JudgeAnswer, ...]:
        with self._lock:
            return tuple(self._made)

    def find(self, body: Any, vote: int) -> CachedAnswer | None:
        """Return the cached reply to a judge's request; None if there is none or no case is being scored. Raises
        BadFileError.
        """
        judged = _judged.get()
        if judged is None:
            return None
        return self._store.find(judged.folder, AnswerKey(digest(body), judged.trial, vote, kind="judge"))

    def note(self, body: Any, vote: int, reply: str, model: str) -> None:
        """Store a judge's reply."""
        judged = _judged.get()
        if judged is None:
            return
        cached = CachedAnswer(
            digest=digest(body),
            trial=judged.trial,
            occurrence=vote,
            kind="judge",
            answered_at=datetime.now(UTC),
            model=model,
            output=reply,
            of=judged.of,
        )
        self._store.note(judged.folder, cached)
        with self._lock:
            self._made.append(JudgeAnswer(folder=judged.folder, cached=cached))


_judged: ContextVar[_JudgedOutput | None] = ContextVar("refork_judged", default=None)
_open: list[JudgeAnswers] = []


def judge_answers() -> JudgeAnswers | None:
    """Cache the replies of judges while the context is open."""
    return _open[-1] if _open else None


@contextmanager
def keeping(answers: JudgeAnswers) -> Generator[None]:
    """Store the replies of judges inside the block."""
    _open.append(answers)
    try:
        yield
    finally:
        _open.remove(answers)


@contextmanager
def judging(folder: Path, trial: int, of: str | None) -> Generator[None]:
    """Set the judged output inside the block: that of a trial of the case in ``folder``, found by the digest
    ``of``.
    """
    token = _judged.set(_JudgedOutput(folder=folder, trial=trial, of=of))
    try:
        yield
    finally:
        _judged.reset(token)
