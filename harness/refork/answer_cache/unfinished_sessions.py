"""Answers of sessions that ended before they had stored them."""

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from refork.answer_cache.modes import AnswersMode
from refork.records.cached_answer import CachedAnswer
from refork.storage.session_files import ProcessJournal


@dataclass(frozen=True, kw_only=True)
class Left:
    """An answer of a session that was cut short. ``mode`` is how that session used cached answers."""

    folder: Path
    cached: CachedAnswer
    mode: AnswersMode
    journal: Path


class UnfinishedAnswers:
    """The answers in the journals of sessions that are over. :meth:`forget` deletes the journals."""

    def __init__(self) -> None:
        self.answers: list[Left] = []
        self.orphaned: set[str] = set()
        self._held: list[ProcessJournal] = []
        self._seen: list[Path] = []

    @property
    def journals(self) -> tuple[Path, ...]:
        """The files that contain the answers."""
        return (*(part.path for part in self._held), *self._seen)

    def hold(self, part: ProcessJournal, answers: Iterable[Left]) -> None:
        """Recover a journal that no process writes to any more."""
        self._held.append(part)
        self.answers += answers

    def see(self, part: ProcessJournal, answers: Iterable[Left]) -> None:
        """Recover the answers in the journal of a process that outlives its session."""
        self._seen.append(part.path)
        self.orphaned.add(part.session)
        self.answers += answers

    def forget(self, *, but: Collection[Path] = ()) -> None:
        """Delete the journals, whose answers are all stored elsewhere. Keeps those in ``but`` for another session."""
        for part in self._held:
            with suppress(OSError):
                if part.path in but:
                    part.retire()
                else:
                    part.remove()
        self._held.clear()
