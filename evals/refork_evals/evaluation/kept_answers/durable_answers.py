"""Stores the answers of an evaluation on disk from the moment they arrive, in one process or in many."""

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from refork.answer_cache import AnswersMode, Store
from refork.answer_cache.journal import new_session, open_journal
from refork.config import Config
from refork.storage.cache_folder import usable_folder, why_unwritable
from refork.storage.session_files import MAIN

from refork_evals.evaluation.kept_answers.recovery import Recovery, give_from


class DurableAnswers:
    """The answer store of this process, its journal, and, in the process that writes ``answers.jsonl``, recovered
    journals.

    ``worker`` names a process that only adds answers for the main process of the same ``session`` to write.
    ``journals`` are those that the main process recovered. ``lines`` are messages to print before anything is paid
    for.
    """

    def __init__(
        self, project: Config, *, worker: str = "", session: str | None = None, journals: Iterable[str] = ()
    ) -> None:
        cache, moved = usable_folder(project.root)
        mode = AnswersMode(project.answers)
        self.session: Final = session or new_session()
        self._recovery = None if worker else Recovery(cache, project, session=self.session)
        self._stack = ExitStack()
        opening = open_journal(cache, mode=mode, home=project.root, session=self.session, part=worker or MAIN)
        self.store: Final = Store(mode, journal=self._stack.enter_context(opening))
        if self._recovery is None:
            give_from(journals, project, self.store)
            self.lines: tuple[str, ...] = ()
        else:
            self._recovery.give(self.store)
            said = (moved, *_unwritable(project, cache), self._recovery.line)
            self.lines = tuple(line for line in said if line)

    @property
    def journals(self) -> tuple[str, ...]:
        """The journals of killed sessions that were recovered, for workers."""
        return () if self._recovery is None else tuple(map(str, self._recovery.journals))

    def close(self, *, complete: bool) -> None:
        """Close the store after the session and its workers have ended. ``complete`` says that nothing cut it
        short.
        """
        self._stack.close()
        if self._recovery is not None:
            self._recovery.end(complete=complete)


def _unwritable(project: Config, cache: Path) -> list[str]:
    lines: list[str] = []
    problem = why_unwritable(project.cases) if project.cases.is_dir() else ""
    if problem:
        lines.append(
            f"agent evals: {str(project.cases)!r} cannot be written ({problem}): answers are kept for a day in "
            f"{str(cache)!r} instead"
        )
    report = next(folder for folder in (project.report, *project.report.parents) if folder.is_dir())
    problem = why_unwritable(report)
    if problem:
        lines.append(f"agent evals: {str(report)!r} cannot be written ({problem}): there will be no report")
    return lines
