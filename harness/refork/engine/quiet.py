"""Keeps DBOS's log off the user's screen: a cancelled fork is no error, and DBOS prints a traceback for it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dbos._error import DBOSAwaitedWorkflowCancelledError, DBOSWorkflowCancelledError


class _NotCancelled(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, DBOSWorkflowCancelledError | DBOSAwaitedWorkflowCancelledError)


@contextmanager
def quiet_dbos(log_file: Path) -> Iterator[None]:
    """Send DBOS's log to a file while it lasts, and drop asyncio's complaints about cancelled forks."""
    dbos_log, asyncio_log = logging.getLogger("dbos"), logging.getLogger("asyncio")
    handlers, propagate = dbos_log.handlers[:], dbos_log.propagate
    to_file = logging.FileHandler(log_file, mode="w", encoding="utf-8", delay=True)
    to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(message)s"))
    # DBOS adds a console handler of its own unless the logger has one already.
    dbos_log.handlers, dbos_log.propagate = [to_file], False
    filters = _NotCancelled()
    to_file.addFilter(filters)
    asyncio_log.addFilter(filters)
    try:
        yield
    finally:
        asyncio_log.removeFilter(filters)
        dbos_log.handlers, dbos_log.propagate = handlers, propagate
        to_file.close()
