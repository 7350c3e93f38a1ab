"""pytest-xdist beside agent evals: everything is as it is without it, and the items of a case stay together."""

import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.model_server import ModelServer
from support.project import Finished, Project, case_yaml, finished

CONFTEST = """
    import os

    import pytest

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_protocol(item):
        note(item.nodeid)

    def pytest_runtest_teardown(item):
        note(item.nodeid)
        from dbos import DBOS
        from refork.engine import session
        try:
            name = os.path.basename(str(DBOS.config["system_database_url"]))
        except Exception:
            return
        with open("databases.txt", "a") as file:
            file.write(f"{worker()} {name} {DBOS.executor_id}\\n")

    def worker():
        return os.environ.get("PYTEST_XDIST_WORKER", "alone")

    def note(nodeid):
        with open("ran.txt", "a") as file:
            file.write(f"{worker()} {nodeid}\\n")
    """
