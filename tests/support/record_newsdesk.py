"""Runs ``newsdesk`` once as production would, and writes the run as ``run.json`` into a folder.

Usage: ``python record_newsdesk.py FOLDER``, in a folder that holds ``newsdesk.py``.
"""

import importlib
import sys
from pathlib import Path
from typing import Any

from agents import set_default_openai_api
from dbos import DBOS, SetWorkflowID
from refork.case_files.run_file import save_run
from refork.dbos.reader.reader import Reader
from refork.production.sqlite_clock import install_sqlite_clock


def record(folder: Path) -> None:
    url = f"sqlite:///{folder / 'production.sqlite'}"
    install_sqlite_clock()
    DBOS(config={"name": "newsdesk", "system_database_url": url, "enable_otlp": False})
    newsdesk: Any = importlib.import_module("newsdesk")
    DBOS.listen_queues([])
    DBOS.launch()
    set_default_openai_api("chat_completions")
    with SetWorkflowID("run-1"):
        DBOS.start_workflow(newsdesk.report, "March").get_result()
    DBOS.destroy()
    with Reader(url) as reader:
        save_run(folder, reader.fetch("run-1").decode().run)


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    record(Path(sys.argv[1]))
