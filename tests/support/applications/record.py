"""Starts an application's web server in this process as production would, asks it once, and waits for its runs.

Usage: ``python record.py MODULE:APP PATH BODY``, in the application's folder, with the environment that it needs.
The model, and every service that it calls, are whatever that environment says.
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from dbos import DBOS
from refork.production.sqlite_clock import install_sqlite_clock
from starlette.testclient import TestClient

LIMIT = 120.0
"""Seconds for all runs to end."""


def main(application: str, path: str, body: str) -> None:
    install_sqlite_clock()
    module, _, name = application.partition(":")
    app: Any = getattr(importlib.import_module(module), name)
    if not _is_made():
        url = os.environ["DBOS_SYSTEM_DATABASE_URL"]
        DBOS(config={"name": "tried-application", "system_database_url": url, "application_version": "0.1.0"})
    DBOS.launch()
    with TestClient(app) as client:
        answer = client.post(path, json=json.loads(body))
    answer.raise_for_status()
    _wait_for_runs()
    DBOS.destroy()


def _is_made() -> bool:
    """Whether the application makes its DBOS when it is imported."""
    dbos: Any = importlib.import_module("dbos._dbos")
    return dbos._dbos_global_instance is not None


def _wait_for_runs() -> None:
    deadline = time.monotonic() + LIMIT
    while DBOS.list_workflows(status=["PENDING", "ENQUEUED"]):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the application's runs have not ended within {LIMIT} s")
        time.sleep(0.1)


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    main(*sys.argv[1:])
