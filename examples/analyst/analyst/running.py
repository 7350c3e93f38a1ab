"""Runs questions durably: DBOS keeps every step, and a run that was interrupted goes on when started again."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import cast

from dbos import DBOS, DBOSConfig, SetWorkflowID, WorkflowHandle
from refork.production.sqlite_clock import install_sqlite_clock

from analyst.agent import analyze


@contextmanager
def launched() -> Generator[None]:
    """DBOS on the database that DBOS_SYSTEM_DATABASE_URL names, by default analyst.sqlite."""
    config: DBOSConfig = {
        "name": "analyst",
        "system_database_url": os.environ.get("DBOS_SYSTEM_DATABASE_URL", "sqlite:///analyst.sqlite"),
        "log_level": "CRITICAL",  # a run that fails says so itself, in one line
    }
    install_sqlite_clock()
    DBOS(config=config)
    DBOS.launch()
    try:
        yield
    finally:
        DBOS.destroy()


def run(question: str, workflow_id: str) -> str:
    """The summary. A run of this id that has ended is not made again: its summary is returned."""
    with SetWorkflowID(workflow_id):
        handle = DBOS.start_workflow(analyze, question)
    # DBOS runs the coroutine on a loop of its own, so what comes is its result.
    return cast("WorkflowHandle[str]", handle).get_result()
