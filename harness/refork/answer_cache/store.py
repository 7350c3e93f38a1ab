"""The cached answers of a session, case by case."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Lock
from typing import Protocol

from refork.answer_cache.answers_file import ANSWERS_FILE, load_answers, save_answers, suggest_attributes
from refork.answer_cache.modes import AnswersMode
from refork.records.cached_answer import AnswerKey, CachedAnswer, Kind


class NotesAnswers(Protocol):
    """Something that stores answers when they arrive. ``problem`` says in a few words why that fails."""

    @property
    def problem(self) -> str: ...

    def add(self, folder: Path, cached: CachedAnswer, /) -> None: ...


def answers_file(folder: Path) -> Path:
    return folder / ANSWERS_FILE


class Store:
    """The answer cache of a session, which reads each case's file once. Safe to use from any thread.

    Only :meth:`keep` writes to the cases' files: call it in one process only.
    """

    def __init__(self, mode: AnswersMode = AnswersMode.REUSE, *, journal: NotesAnswers | None = None) -> None:
        self.mode = mode
        self._journal = journal
        self._taken_up: dict[Path, dict[AnswerKey, CachedAnswer]] = {}
        self._lock = Lock()
        self._folders: dict[Path, dict[AnswerKey, CachedAnswer]] = {}
        self._requested: dict[Path, set[str]] = {}

    def find(self, folder: Path, key: AnswerKey) -> CachedAnswer | None:
        """Return a cached answer; None if there is none, or if the mode reads none. Raises BadFileError."""
        with self._lock:
            self._requested.setdefault(folder, set()).add(key.digest)
        taken_up = self._taken_up.get(folder, {}).get(key)
        return taken_up or (self._of(folder).get(key) if self.mode.reads else None)

    def cached(self, folder: Path) -> tuple[CachedAnswer, ...]:
        """Return all answers that may be used again, without looking for any; none if the mode reads none.

        Raises BadFileError.
        """
        taken_up = self._taken_up.get(folder, {})
        return tuple(((self._of(folder) if self.mode.reads else {}) | taken_up).values())

    @property
    def is_durable(self) -> bool:
        """True if answers survive when the session is killed."""
        return self._journal is not None

    @property
    def trouble(self) -> str:
        """Describe why answers would not outlive a killed session; empty if they would, as far as is known."""
        problem = self._journal.problem if self._journal is not None else ""
        return (
            problem
            and f"a kill of this session would lose its answers: they cannot be written down ({problem})"
        )

    def note(self, folder: Path, cached: CachedAnswer) -> None:
        """Store an answer that has just arrived, so that it survives before the session ends. May wait for the
        disk.
        """
        if self._journal is not None:
            self._journal.add(folder, cached)

    def take_up(self, folder: Path, cached: CachedAnswer) -> None:
        """Use an answer of a killed session as if this session had received it, whatever the mode."""
        self._taken_up.setdefault(folder, {})[cached.key] = cached

    def draws(self, folder: Path, digest: str) -> int:
        """Return how many answers to one request are cached. Raises BadFileError."""
        return sum(key.digest == digest for key in self._of(folder))

    def holds(self, folder: Path, kind: Kind) -> bool:
        """Return whether any answer of this kind is cached. Raises BadFileError."""
        return any(key.kind == kind for key in self._of(folder))

    def requested(self, folder: Path) -> frozenset[str]:
        """Return the digests of all requests whose answers were looked for up to now."""
        with self._lock:
            return frozenset(self._requested.get(folder, ()))

    def keep(
        self,
        folder: Path,
        answers: Sequence[CachedAnswer],
        *,
        requested: Iterable[str] = (),
        cases: Path | None = None,
    ) -> int:
        """Write new answers to the cases' files and return the number of new or changed lines. Raises BadFileError.

        With ``refresh``, cached answers to the requests whose digests are ``requested`` are removed unless they are
        among ``answers``. ``cases`` is the folder of all cases, in which git is set up to merge the files.
        """
        known = dict(self._of(folder))
        before = dict(known)
        if self.mode is AnswersMode.REFRESH:
            gone = set(requested)
            known = {key: cached for key, cached in known.items() if key.digest not in gone}
        for cached in answers:
            known[cached.key] = cached
        if known == before:
            return 0
        save_answers(folder, known.values())
        if cases is not None and folder.is_relative_to(cases):
            suggest_attributes(cases)
        with self._lock:
            self._folders[folder] = known
        return sum(known.get(key) != cached for key, cached in before.items()) + len(set(known) - set(before))

    def absorb(
        self, folder: Path, answers: Iterable[CachedAnswer], *, cases: Path | None = None
    ) -> frozenset[AnswerKey]:
        """Write the answers of a killed session to the cases' files and return the number of new ones. Raises
        BadFileError.

        Answers that were cached since then are kept: they are newer, or contain more.
        """
        known = self._of(folder)
        new: dict[AnswerKey, CachedAnswer] = {}
        for cached in answers:
            older = new.get(cached.key, known.get(cached.key))
            if older is None or older.answered_at < cached.answered_at:
                new[cached.key] = cached
        self.keep(folder, tuple(new.values()), cases=cases)
        return frozenset(new)

    def _of(self, folder: Path) -> dict[AnswerKey, CachedAnswer]:
        with self._lock:
            if folder not in self._folders:
                self._folders[folder] = load_answers(folder)
            return self._folders[folder]
