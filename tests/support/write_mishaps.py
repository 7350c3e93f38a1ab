"""Writes the runs of ``desk`` into a DBOS system database, as production would.

Usage: ``python write_mishaps.py URL``, in a folder that holds ``desk.py``. It ends while one run is stuck.
"""

import contextlib
import importlib
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agents import set_default_openai_api, set_tracing_disabled
from dbos import DBOS, SetWorkflowID
from refork.production.sqlite_clock import install_sqlite_clock


def write(url: str) -> None:
    config: Any = {"name": "desk", "system_database_url": url, "enable_otlp": False}
    if Path("desk_db.py").exists():
        config["serializer"] = importlib.import_module("desk_db").serializer
    install_sqlite_clock()
    DBOS(config=config)
    desk: Any = importlib.import_module("desk")
    set_tracing_disabled(True)
    set_default_openai_api("chat_completions")
    DBOS.launch()

    def run(run_id: str, workflow: Any, *args: Any, **kwargs: Any) -> Any:
        with SetWorkflowID(run_id):
            handle = DBOS.start_workflow(workflow, *args, **kwargs)
        with contextlib.suppress(Exception):
            handle.get_result()
        return handle

    run("good", desk.answer, "order 3", password="s3cr3t-w0rd")
    run("missing-1", desk.answer, "order 17")
    run("missing-2", desk.answer, "order 23")
    run("broken", desk.answer_and_break, "order 5")
    run("caught", desk.answer_after_an_error, "order 6")
    run("portable", desk.answer_by, datetime(2026, 11, 23, tzinfo=UTC), ticket="order 7")
    run("plain", desk.plain, "order 8")
    for run_id in ("cancelled", "stuck"):
        with SetWorkflowID(run_id):
            DBOS.start_workflow(desk.answer_and_hold, "order 9")
        while len(DBOS.list_workflow_steps(run_id)) < 3:
            time.sleep(0.02)
    DBOS.cancel_workflow("cancelled")
    for source, fork in (("good", "forked"), ("forked", "forked-again")):
        with SetWorkflowID(fork):
            handle = DBOS.fork_workflow(source, 3)
        handle.get_result()
    os._exit(0)  # as when the machine goes away: the run that is stuck stays so


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    write(sys.argv[1])
