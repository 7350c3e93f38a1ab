"""Sessions as runs of MLflow: a real tracking server over HTTP, and a database with files."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from refork_reports.formats import html
from support.applications.environments import Requirements, environment
from support.model_server import ModelServer
from support.project import Finished, Project, case_yaml
from support.report_evaluations import realistic

EXPERIMENT = "agent evals"
TRACED = """
    import agents
    import mlflow

    def setup():
        agents.set_default_openai_api("chat_completions")
        mlflow.set_tracking_uri({url!r})
        mlflow.set_experiment("production")
        mlflow.openai.autolog()
    """
LOGS = """
import mlflow, refork
mlflow.set_tracking_uri({url!r})
with mlflow.start_run() as mine:
    logged = refork.load_evaluation({report!r}).log_to_mlflow(experiment={experiment!r})
    assert logged.run_id != mine.info.run_id
    assert mlflow.active_run().info.run_id == mine.info.run_id
assert not mlflow.get_run(mine.info.run_id).data.metrics
print(logged.run_id)
"""
READS = """
import json, mlflow
client = mlflow.MlflowClient({uri!r})
experiment = client.get_experiment_by_name({experiment!r})
(run,) = client.search_runs([experiment.experiment_id])
files = [each.path for each in client.list_artifacts(run.info.run_id)]
print(json.dumps(dict(status=run.info.status, metrics=run.data.metrics, files=files)))
"""


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python of an environment with all of MLflow, its server and its databases."""
    return environment(sys.executable, Requirements(packages=("mlflow>=3.8",)))


@pytest.fixture(scope="module")
def tracking(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The address of a tracking server."""
    folder = tmp_path_factory.mktemp("tracking")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    stores = (
        "--backend-store-uri",
        f"sqlite:///{folder / 'mlflow.db'}",
        "--artifacts-destination",
        str(folder / "art"),
    )
    command = [str(python.with_name("mlflow")), "server", *stores, "--host", "127.0.0.1", "--port", str(port)]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [*command, "--workers", "1"],
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as process,
    ):
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, folder / "log")
        yield url
        os.killpg(process.pid, signal.SIGTERM)


def _wait_for(url: str, log: Path) -> None:
    end = time.monotonic() + 300
    while time.monotonic() < end:
        with suppress(OSError), urlopen(f"{url}/health", timeout=5) as reply:
            if reply.status == 200:
                return
        time.sleep(0.5)
    pytest.fail(f"no tracking server:\n{log.read_text(encoding='utf-8')[-2000:]}")


def ask(url: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{url}{path}", data=data, headers={"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as reply:
        return json.loads(reply.read())


def runs_of(url: str, experiment: str) -> list[dict[str, Any]]:
    try:
        found = ask(url, f"/api/2.0/mlflow/experiments/get-by-name?experiment_name={quote(experiment)}")
    except HTTPError:
        return []
    ids = [found["experiment"]["experiment_id"]]
    return list(ask(url, "/api/2.0/mlflow/runs/search", {"experiment_ids": ids}).get("runs", []))


def values(run: dict[str, Any], kind: str) -> dict[str, Any]:
    return {each["key"]: each["value"] for each in run["data"].get(kind, [])}


def artifact(url: str, run: dict[str, Any], path: str) -> str:
    place = (
        f"{url}/api/2.0/mlflow-artifacts/artifacts/{run['info']['artifact_uri'].partition(':/')[2]}/{path}"
    )
    with urlopen(place, timeout=60) as reply:
        return str(reply.read().decode())


@pytest.fixture(scope="module")
def done(
    project: Project, model: ModelServer, tracking: str, tmp_path_factory: pytest.TempPathFactory
) -> Finished:
    """A session over two workers, of an application that MLflow traces in production."""
    model.latency = 0.0
    traced = project.with_files(
        {
            "evals_setup.py": TRACED.format(url=tracking),
            "evals/cases/rosy/case.yaml": case_yaml(rest="trials: 4\nvariants: [careful]"),
        }
    ).with_environment(REFORK_MLFLOW=tracking, REFORK_MLFLOW_EXPERIMENT=EXPERIMENT)
    return traced.run(tmp_path_factory.mktemp("session"), "--agent-evals", "-n", "2")


def test_a_session_over_workers_is_one_run_with_the_figures_of_results_json(
    done: Finished, tracking: str
) -> None:
    (run,) = runs_of(tracking, EXPERIMENT)
    assert f"mlflow: run {run['info']['run_id']} in experiment" in done.output
    assert run["info"]["status"] == "FINISHED"
    metrics, params = values(run, "metrics"), values(run, "params")
    assert metrics["case/rosy/careful/pass_rate"] == 1.0
    assert metrics["case/rosy/current/pass_rate"] == 0.0
    assert metrics["total/trials"] == 8
    assert metrics["total/tokens"] == sum(
        done.results["totals"]["usage"][name] for name in ("input_tokens", "output_tokens")
    )
    assert params["variants"] == "current, careful"
    assert params["version.python"].startswith("3.")


def test_the_run_holds_the_report_the_prompts_and_the_trials_as_a_table(
    done: Finished, tracking: str
) -> None:
    (run,) = runs_of(tracking, EXPERIMENT)
    for name in ("report.html", "results.json", "summary.md"):
        written = (done.folder / "reports/agent-evals" / name).read_text(encoding="utf-8")
        assert artifact(tracking, run, name) == written
    assert artifact(tracking, run, "prompts/summarizer/careful.md") == "Write one sentence.\nBe careful."
    table = json.loads(artifact(tracking, run, "trials.json"))
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
    assert [(row["variant"], row["passed"]) for row in rows] == [("current", False)] * 4 + [
        ("careful", True)
    ] * 4
    assert {row["output"] for row in rows if row["passed"]} == {"Revenue fell by 12%."}
    assert json.loads(values(run, "tags")["mlflow.loggedArtifacts"]) == [
        {"path": "trials.json", "type": "table"}
    ]


def test_productions_traces_and_experiment_get_nothing(done: Finished, tracking: str) -> None:
    assert done.verdicts["rosy", "careful"][1:] == (4, 4)
    for experiment in (EXPERIMENT, "production"):
        found = ask(tracking, f"/api/2.0/mlflow/experiments/get-by-name?experiment_name={quote(experiment)}")
        place = {
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": {"experiment_id": found["experiment"]["experiment_id"]},
        }
        assert not ask(tracking, "/api/3.0/mlflow/traces/search", {"locations": [place]}).get("traces")
    assert runs_of(tracking, "production") == []


def test_an_evaluation_is_logged_from_a_notebook_beside_its_active_run(
    python: Path, tracking: str, tmp_path: Path
) -> None:
    html.write(realistic(), tmp_path / "report")
    code = LOGS.format(url=tracking, report=str(tmp_path / "report"), experiment="notebook")
    logged = subprocess.run(
        [python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert logged.returncode == 0, logged.stderr
    (run,) = runs_of(tracking, "notebook")
    assert run["info"]["run_id"] in logged.stdout
    assert run["info"]["status"] == "FINISHED"


def test_past_sessions_are_logged_to_a_database_with_files(python: Path, tmp_path: Path) -> None:
    html.write(realistic(), tmp_path / "report")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    command = [str(python.with_name("refork")), "report", str(tmp_path / "report"), "--mlflow", uri]
    done = subprocess.run(
        [*command, "--mlflow-experiment", EXPERIMENT],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    code = READS.format(uri=uri, experiment=EXPERIMENT)
    read = subprocess.run(
        [python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=300
    )
    found = json.loads(read.stdout.splitlines()[-1])
    assert found["status"] == "FINISHED"
    assert found["metrics"]["total/cases"] == len(realistic().cases)
    assert sorted(found["files"]) == ["prompts", "report.html", "results.json", "summary.md", "trials.json"]
