"""Hides DBOS's log from the user: a cancelled fork is not an error, and DBOS prints a traceback for it."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dbos._error import DBOSAwaitedWorkflowCancelledError, DBOSWorkflowCancelledError

from refork.redaction.texts import without_secrets


class _NotCancelled(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, DBOSWorkflowCancelledError | DBOSAwaitedWorkflowCancelledError)


class _NoFork(_NotCancelled):
    """Hides only messages about forks, which it recognises by the prefix of their ids."""

    def filter(self, record: logging.LogRecord) -> bool:
        return super().filter(record) or "fork-" not in str(record.exc_info and record.exc_info[1])


_LASTING: Final = _NoFork()


class _Diverted(_NotCancelled):
    """Passes every record to one handler and to no other, because pytest adds its own handlers to every logger."""

    def __init__(self, handler: logging.Handler) -> None:
        super().__init__()
        self._handler = handler

    def filter(self, record: logging.LogRecord) -> bool:
        if super().filter(record):
            self._handler.handle(record)
        return False


class _Hiding(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


@contextmanager
def quiet_dbos(log_file: Path) -> Generator[None]:
    """Send DBOS's log to a file inside the block, and drop asyncio's complaints about cancelled forks.

    Those may come late, when the task of a fork is collected as garbage: of forks they are dropped from now on.
    """
    dbos_log, asyncio_log = logging.getLogger("dbos"), logging.getLogger("asyncio")
    handlers, propagate = dbos_log.handlers[:], dbos_log.propagate
    to_file = logging.FileHandler(log_file, mode="w", encoding="utf-8", delay=True)
    to_file.setFormatter(_Hiding("%(asctime)s %(levelname)s %(threadName)s %(message)s"))
    diverted, not_cancelled = _Diverted(to_file), _NotCancelled()
    dbos_log.addFilter(diverted)
    # DBOS adds a console handler of its own unless the logger has one already.
    dbos_log.addHandler(to_file)
    asyncio_log.addFilter(not_cancelled)
    asyncio_log.addFilter(_LASTING)  # once, however often it is added
    try:
        yield
    finally:
        asyncio_log.removeFilter(not_cancelled)
        dbos_log.removeFilter(diverted)
        dbos_log.handlers, dbos_log.propagate = handlers, propagate
        to_file.close()
