"""Records workflows as production would: ``python -m support.record_sample URL MODULE NAME...``."""

import importlib
import sys
from typing import Any

from dbos import DBOS, SetWorkflowID
from refork.production.sqlite_clock import install_sqlite_clock


def record(url: str, module: str, *names: str) -> None:
    install_sqlite_clock()
    DBOS(config={"name": "sample", "system_database_url": url, "enable_otlp": False, "log_level": "ERROR"})
    application: Any = importlib.import_module(module)
    DBOS.launch()
    for name in names:
        with SetWorkflowID(name):
            DBOS.start_workflow(getattr(application, name), "Where is Emma?").get_result()
    DBOS.destroy()


if __name__ == "__main__":
    record(*sys.argv[1:])
