"""Writes the runs of ``briefing`` into a DBOS system database, in a folder that holds it: ``write_briefs.py URL``."""

import asyncio
import importlib
import sys
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSClient, SetWorkflowID
from refork.production.sqlite_clock import install_sqlite_clock


def write(url: str) -> None:
    config: Any = {"name": "briefing", "enable_otlp": False, "system_database_url": url}
    install_sqlite_clock()
    DBOS(config=config)
    briefing: Any = importlib.import_module("briefing")
    refork: Any = importlib.import_module("refork")
    DBOS.listen_queues([])
    DBOS.launch()
    with SetWorkflowID("brief-1"):
        briefing.brief("March")
    with SetWorkflowID("hand-1"):
        briefing.brief_by_hand("March")
    with SetWorkflowID("inside-1"):
        asyncio.run(briefing.brief_inside("March"))
    refork.flag("thumbs down", run_id="hand-1")
    refork.flag("thumbs down", run_id="hand-1")
    refork.flag("outside of every run")
    refork.flag("no such run", run_id="nowhere")
    from refork.production.run_attributes import flush

    flush(10)
    DBOS.destroy()
    refork.flag("DBOS is gone", run_id="brief-1")
    client = DBOSClient(system_database_url=url)
    refork.flag("told by a client", run_id="inside-1", client=client)
    client.destroy()


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    write(*sys.argv[1:])
