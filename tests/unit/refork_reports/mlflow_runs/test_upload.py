"""An upload to MLflow that cannot be says why, in one line, without a secret, and ends in time."""

import socket
import sys
import time
from pathlib import Path

import pytest
import refork
from refork.errors import BadInputError, ReforkError
from refork_reports.formats import html
from refork_reports.mlflow_runs.apart import upload_apart
from refork_reports.mlflow_runs.upload import Target, upload
from support.report_evaluations import evaluation, small

REFUSES = """
import pathlib, sys

pathlib.Path("argv").write_text(repr(sys.orig_argv))

class MlflowClient:
    def __init__(self, tracking_uri):
        raise OSError(f"no {tracking_uri}\\n!")
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return html.write(small(), tmp_path_factory.mktemp("report")).parent


def mlflow_that(says: str, folder: Path) -> str:
    """A folder for PYTHONPATH in which mlflow is this module."""
    (folder / "mlflow.py").write_text(says)
    return str(folder)


def test_a_missing_package_names_the_command_that_installs_it(
    report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(BadInputError, match=r"pip install 'refork\[mlflow\]'"):
        upload(report, Target(uri="http://127.0.0.1:9"))
    with pytest.raises(BadInputError, match=r"pip install 'refork\[mlflow\]'"):
        refork.Evaluation(evaluation()).log_to_mlflow("http://127.0.0.1:9")


def test_what_mlflow_raises_is_one_line_and_the_uri_is_neither_there_nor_in_a_list_of_processes(
    report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, key = "pa55-of-ann-9x", "k3y-behind-the-mark"
    monkeypatch.setenv("PYTHONPATH", mlflow_that(REFUSES, tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ReforkError, match="MLflow did not take the session: OSError: no") as raised:
        upload_apart(report, Target(uri=f"https://ann:{secret}@example.com/x?token={key}"))
    assert not any(each in str(raised.value) for each in (secret, key, "\n"))
    assert "example.com" not in (tmp_path / "argv").read_text()


def test_a_process_that_dies_is_said(report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", mlflow_that("import os; os._exit(3)", tmp_path))
    with pytest.raises(ReforkError, match="ended without a result"):
        upload_apart(report, Target(uri="x"))


def test_a_server_that_never_answers_costs_the_deadline_and_no_more(
    report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", mlflow_that("import time; time.sleep(60)", tmp_path))
    began = time.monotonic()
    with pytest.raises(ReforkError, match=r"within 1 s: .* upload later with `refork report --mlflow`"):
        upload_apart(report, Target(uri="x"), deadline=1.0)
    assert time.monotonic() - began < 30


@pytest.mark.slow
def test_a_server_that_accepts_and_never_answers_is_given_up(report: Path) -> None:
    pytest.importorskip("mlflow")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
        with pytest.raises(ReforkError, match="MLflow did not take the session"):
            upload_apart(report, Target(uri=f"http://{address[0]}:{address[1]}"), deadline=20.0)
