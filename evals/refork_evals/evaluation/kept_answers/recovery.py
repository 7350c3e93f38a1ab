"""Writes the answers of killed sessions to ``answers.jsonl`` and makes them available to this session."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from refork.answer_cache import AnswerKey, AnswersMode, Store
from refork.answer_cache.journal import is_fresh, read_journal, unfinished_answers
from refork.answer_cache.unfinished_sessions import Left, UnfinishedAnswers
from refork.config import Config
from refork.errors import ReforkError


@dataclass(frozen=True, kw_only=True)
class Settled:
    """The result of a recovery: the number of answers ``new`` to ``answers.jsonl``, and the journals to keep."""

    new: frozenset[tuple[Path, AnswerKey]] = frozenset()
    unsettled: frozenset[Path] = field(default_factory=frozenset[Path])


class Recovery:
    """The recovered answers of a project, held from the beginning of a session to its end.

    Their journals are deleted in the end: killed before, this session leaves what it took up as it was.
    """

    def __init__(self, cache: Path, project: Config, *, session: str) -> None:
        self._cache = cache
        self._project = project
        self._session = session
        self._stack = ExitStack()
        self._left = self._stack.enter_context(unfinished_answers(cache, project.root))
        self._new = set(_settle(self._left.answers, project).new)

    def give(self, store: Store) -> None:
        """Let a session of the same mode reuse the answers that were paid for already."""
        self._new |= _give(self._left.answers, store)

    @property
    def journals(self) -> tuple[Path, ...]:
        """The files in which the workers of this session find the same answers."""
        return self._left.journals

    @property
    def line(self) -> str:
        """Describe what was recovered; empty if nothing new was."""
        if not self._new:
            return ""
        answers = "1 answer" if len(self._new) == 1 else f"{len(self._new)} answers"
        return f"agent evals: recovered {answers} from a session that was killed"

    def end(self, *, complete: bool) -> None:
        """Write the answers in the journals of this session's processes, and delete the journals.

        One that asks afresh and was interrupted leaves them to the next one of its mode.
        """
        stays = not complete and not AnswersMode(self._project.answers).reads
        for session in (self._session, *self._left.orphaned):
            with unfinished_answers(self._cache, self._project.root, session=session) as own:
                self._forget(own, stays=stays)
        self._forget(self._left, stays=stays)
        self._stack.close()

    def _forget(self, left: UnfinishedAnswers, *, stays: bool) -> None:
        unsettled = _settle(left.answers, self._project).unsettled
        if not stays:
            left.forget(but=unsettled)


def give_from(journals: Iterable[str], project: Config, store: Store) -> None:
    """Recover the same answers in a worker, which gets the names of the journals."""
    for name in journals:
        _give(read_journal(Path(name), project.root), store)


def _give(answers: Iterable[Left], store: Store) -> set[tuple[Path, AnswerKey]]:
    given: set[tuple[Path, AnswerKey]] = set()
    for each in answers:
        if (each.mode is store.mode or store.mode.reads) and is_fresh(each.cached):
            store.take_up(each.folder, each.cached)
            if not store.mode.reads:
                given.add((each.folder, each.cached.key))
    return given


def _settle(answers: Sequence[Left], project: Config) -> Settled:
    """Write recovered answers, each case at once. Those of a missing case are kept for a day, since it may come
    back.
    """
    by_case: dict[Path, list[Left]] = {}
    for each in answers:
        by_case.setdefault(each.folder, []).append(each)
    store, new, unsettled = Store(AnswersMode.REUSE), set[tuple[Path, AnswerKey]](), set[Path]()
    for folder, left in by_case.items():
        if not folder.is_dir():
            unsettled |= {each.journal for each in left if is_fresh(each.cached)}
            continue
        try:
            found = store.absorb(folder, [each.cached for each in left], cases=project.cases)
        except ReforkError:  # the items of the case say what is wrong with its files
            unsettled |= {each.journal for each in left}
            continue
        new |= {(folder, key) for key in found}
    return Settled(new=frozenset(new), unsettled=frozenset(unsettled))
