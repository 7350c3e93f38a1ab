"""The history of a project's sessions: read for the report, and appended to at the end of a session."""

from dataclasses import replace
from typing import Final

from refork.config import Config
from refork.errors import ReforkError
from refork_evals.results import PastSession, SuiteResult

LAST_SESSIONS: Final = 200
"""Sessions of the history that a report looks at."""


class SessionHistory:
    """This session's record, and the sessions before it. A history that cannot be read or written fails no test."""

    def __init__(self, project: Config, evaluation: SuiteResult) -> None:
        from refork_reports.history.record import record  # noqa: PLC0415 - at the very end

        self._path = project.history
        self._problem = ""
        self._earlier: tuple[PastSession, ...] = ()
        self._own = None if self._path is None else record(evaluation, project.root)
        self._read()

    def with_earlier(self, evaluation: SuiteResult) -> SuiteResult:
        """Return the evaluation with the history that its report shows."""
        if self._own is None:
            return evaluation
        return replace(evaluation, history=(*self._earlier, self._own))

    def append(self) -> str:
        """Append this session. Returns what is wrong with the history; empty if nothing is."""
        from refork_reports.history import file  # noqa: PLC0415 - see above

        if self._path is None or self._own is None:
            return ""
        try:
            file.append(self._path, self._own)
        except ReforkError as error:
            return str(error)
        return self._problem

    def _read(self) -> None:
        from refork_reports.history import file  # noqa: PLC0415 - see above

        if self._path is None:
            return
        try:
            self._earlier = file.read(self._path, last=LAST_SESSIONS).sessions
        except ReforkError as error:
            self._problem = str(error)
