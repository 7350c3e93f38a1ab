"""The kept answers of a session, durable from the moment they arrive, in one process or in many."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
from refork.answer_cache import AnswersMode, Store
from refork.answer_cache.journal import new_session, open_journal
from refork.config import Config
from refork.storage.cache_folder import usable_folder, why_unwritable
from refork.storage.session_files import MAIN

from pytest_refork.answers.recovery import Recovery, give_from
from pytest_refork.xdist import worker_results as handover

INPUT: Final = "refork_answers"
"""Where a worker of pytest-xdist finds the name of the session, and the journals that were taken up."""


class DurableAnswers:
    """The store of this process, its journal, and in the process that writes ``answers.jsonl`` what killed ones left.

    ``lines`` are to be said before anything is paid for.
    """

    def __init__(self, config: pytest.Config, project: Config) -> None:
        cache, moved = usable_folder(project.root)
        given: dict[str, Any] = json.loads(getattr(config, "workerinput", {}).get(INPUT, "{}"))
        mode = AnswersMode(project.answers)
        worker = handover.worker_id(config)
        self._session = str(given.get("session") or new_session())
        self._recovery = None if worker else Recovery(cache, project, session=self._session)
        self._stack = ExitStack()
        part = worker or MAIN
        opening = open_journal(cache, mode=mode, home=project.root, session=self._session, part=part)
        self.store: Final = Store(mode, journal=self._stack.enter_context(opening))
        if self._recovery is None:
            give_from(given.get("journals", ()), project, self.store)
            self.lines: tuple[str, ...] = ()
        else:
            self._recovery.give(self.store)
            said = (moved, *_unwritable(project, cache), self._recovery.line)
            self.lines = tuple(line for line in said if line)

    def given(self) -> dict[str, str]:
        """What a worker's input has of it."""
        journals = [] if self._recovery is None else [str(path) for path in self._recovery.journals]
        return {INPUT: json.dumps({"session": self._session, "journals": journals})}

    def close(self, *, complete: bool) -> None:
        """The session has ended, and so have its workers; ``complete`` says that nothing cut it short."""
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
