"""Uploads in a process of its own, with a deadline: a server that hangs, or a library that breaks, costs no session."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from refork.errors import ReforkError

from refork_reports.mlflow_runs.upload import MlflowRun, Target

DEADLINE: Final = 120.0
"""Seconds for an upload, with importing MLflow."""
_PATIENCE: Final = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
"""MLflow by itself tries for minutes; who sets these variables is obeyed."""


def upload_apart(folder: Path, target: Target, *, deadline: float = DEADLINE) -> MlflowRun:
    """Log the report in ``folder`` as :func:`upload` does. Raises ReforkError also when the deadline has passed.

    The URI is passed on standard input, so no list of processes shows it. A Ctrl-C ends the upload and counts as an
    upload that failed.
    """
    order = json.dumps({"folder": str(folder), "uri": target.uri, "experiment": target.experiment})
    environment = {**_PATIENCE, **os.environ, "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-P", "-m", "refork_reports.mlflow_runs"]
    try:
        with subprocess.Popen(  # noqa: S603 - this interpreter, with constant arguments
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
            encoding="utf-8",
        ) as process:
            said = _said(process, order, deadline)
    except OSError as error:
        raise ReforkError(f"MLflow: no process could be started for the upload: {error.strerror}") from None
    return _result(said)


def _said(process: "subprocess.Popen[str]", order: str, deadline: float) -> str:
    try:
        return process.communicate(order, timeout=deadline)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        raise ReforkError(
            f"MLflow did not take the session within {deadline:.0f} s: check the tracking server, and upload "
            "later with `refork report --mlflow`"
        ) from None
    except KeyboardInterrupt:
        process.kill()
        raise ReforkError(
            "MLflow: the upload was interrupted; upload later with `refork report --mlflow`"
        ) from None


def _result(said: str) -> MlflowRun:
    try:
        found: Any = json.loads(said.strip().rpartition("\n")[2])
    except ValueError:
        raise ReforkError(
            "MLflow: the process that uploads ended without a result; try `refork report --mlflow` to see more"
        ) from None
    if problem := found.get("problem"):
        raise ReforkError(problem)
    return MlflowRun(run_id=found["run_id"], experiment_id=found["experiment_id"])
