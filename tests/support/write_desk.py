"""Records a run of every step of ``apps/desk.py`` into a DBOS system database: ``write_desk.py URL``."""

import asyncio
import sys
from typing import Any

from dbos import DBOS, SetWorkflowID
from refork.production.sqlite_clock import install_sqlite_clock

QUESTION = "Where does it go?"


def write(url: str) -> None:
    from support.apps import desk, desk_agents

    config: Any = {"name": "desk", "enable_otlp": False, "system_database_url": url}
    install_sqlite_clock()
    DBOS(config=config)
    DBOS.listen_queues([])
    DBOS.launch()
    for how in desk.SYNC:
        with SetWorkflowID(how):
            desk.sort(how, QUESTION)
    for how in desk.ASYNC:
        with SetWorkflowID(how):
            asyncio.run(desk.sort_async(how, QUESTION))
    with SetWorkflowID("filed"):
        desk.sort_and_file(QUESTION)
    with SetWorkflowID("parent"):
        desk.sort_in_a_child(QUESTION)
    with SetWorkflowID("mixed"):
        asyncio.run(desk_agents.classify_and_file(QUESTION))
    with SetWorkflowID("agent"):
        asyncio.run(desk_agents.file_in_a_step(QUESTION))
    DBOS.destroy()


if __name__ == "__main__":
    write(*sys.argv[1:])
