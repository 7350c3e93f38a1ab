"""Writes a run of ``lab`` into a DBOS system database: ``python write_lab.py URL``, in a folder that holds it."""

import importlib
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from dbos import DBOS, SetWorkflowID
from refork.production.sqlite_clock import install_sqlite_clock


def write(url: str) -> None:
    config: Any = {"name": "lab", "system_database_url": url, "enable_otlp": False}
    if Path("lab_db.py").exists():
        config["serializer"] = importlib.import_module("lab_db").serializer
    install_sqlite_clock()
    DBOS(config=config)
    lab: Any = importlib.import_module("lab")
    DBOS.launch()
    with SetWorkflowID("everything"):
        handle = DBOS.start_workflow(lab.everything, lab.Tube(lab.Colour.RED, Decimal(2)))
    DBOS.send("everything", {"order": 3}, "orders")
    handle.get_result()
    DBOS.destroy()


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    write(sys.argv[1])
