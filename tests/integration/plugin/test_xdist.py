"""pytest-xdist beside agent evals: everything is as it is without it, and the items of a case stay together."""

import json
import os
import re
import signal
import sqlite3
import time
from collections import defaultdict
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from refork_reports.history.file import read
from support.model_server import ModelServer
from support.project import Finished, Project, Running, case_yaml, finished, read_until

GOOD, BAD = "Be careful.", "Be positive."
CASES = ("anna", "bert", "carl")
CONFTEST = """
    import os

    import pytest

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(item):  # where it runs, and not where it is told of
        with open("ran.txt", "a") as file:
            file.write(f"{os.environ.get('PYTEST_XDIST_WORKER')} {item.nodeid}\\n")
        return (yield)
    """
MARKED = """
    import pytest

    @pytest.mark.refork("anna", variants=[])
    def test_anna(trial):
        assert "fell" in trial.text

    @pytest.mark.parametrize("number", range(6))
    def test_ordinary(number):
        pass

    @pytest.mark.refork("carl", variants=["careful"])
    def test_carl(trial):
        assert "fell" in trial.text
    """


@pytest.fixture(scope="module")
def several(project: Project) -> Project:
    """Three cases, two of them with tests in Python too, and ordinary tests between these."""
    run = project.files["evals/cases/rosy/run.json"]
    files = {"conftest.py": CONFTEST, "tests/test_marked.py": MARKED}
    for name in CASES:
        rest = "trials: 2" if name == "bert" else "trials: 9"
        files[f"evals/cases/{name}/case.yaml"] = case_yaml(rest=rest)
        files[f"evals/cases/{name}/run.json"] = run
    return project.without("evals/cases/rosy").with_files(files)


@pytest.fixture(scope="module")
def alone(several: Project, model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    model.latency = 0.0
    return several.run(tmp_path_factory.mktemp("alone"), "--agent-evals", "-v")


@pytest.fixture(scope="module")
def spread(several: Project, model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    model.latency = 0.0
    folder = tmp_path_factory.mktemp("spread")
    return several.run(
        folder, "--agent-evals", "-v", "-n", "3", "--agent-evals-db", f"sqlite:///{folder / 'own.sqlite'}"
    )


def workers_of(done: Finished) -> dict[str, set[str]]:
    """The workers that ran each case, and each of the ordinary tests."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for line in (done.folder / "ran.txt").read_text().splitlines():
        worker, nodeid = line.split(" ", 1)
        found[next((name for name in CASES if name in nodeid), nodeid)].add(worker)
    return found


def untimed(value: Any) -> Any:
    """What is in results.json, but for what a clock or the command line said."""
    if isinstance(value, list):
        return [untimed(each) for each in value]
    if not isinstance(value, dict):
        return value
    left_out = {"seconds", "model_seconds", "started_at", "answered_at", "run_id"}
    return {key: untimed(each) for key, each in value.items() if key not in left_out}


def test_the_items_of_a_case_run_on_one_worker_wherever_they_are_written(spread: Finished) -> None:
    ran = workers_of(spread)
    assert {name: len(ran[name]) for name in CASES} == dict.fromkeys(CASES, 1)


def test_every_worker_has_something_to_do(spread: Finished) -> None:
    ran = workers_of(spread)
    assert len(ran) == len(CASES) + 6
    assert set.union(*ran.values()) == {"gw0", "gw1", "gw2"}


def test_results_and_counts_are_those_of_a_run_without_it(alone: Finished, spread: Finished) -> None:
    assert spread.counts == alone.counts
    assert spread.code == alone.code == 1
    assert untimed(spread.results) == untimed(alone.results)


def test_the_session_is_one_line_of_the_history_in_the_folder_of_the_report(
    alone: Finished, spread: Finished
) -> None:
    found = [read(done.folder / "reports/agent-evals/history.jsonl").sessions for done in (alone, spread)]
    assert [len(sessions) for sessions in found] == [1, 1]
    ((one,), (other,)) = found
    assert [replace(cell, seconds=None) for cell in one.cells] == [
        replace(cell, seconds=None) for cell in other.cells
    ]
    assert {(cell.case, cell.variant, cell.passes, cell.trials) for cell in one.cells} >= {
        ("anna", "current", 0, 9),
        ("bert", "careful", 2, 2),
    }


def test_node_ids_stay_what_they_are(alone: Finished, spread: Finished) -> None:
    def said(done: Finished) -> list[str]:
        return sorted(set(re.findall(r"\S+/case\.yaml::\w+|\S+::test_\w+\[[^]]+\]", done.output)))

    assert said(spread) == said(alone)


def test_failures_are_explained_in_the_same_words(alone: Finished, spread: Finished) -> None:
    for words in ("careful 9/9", "+Be careful."):
        assert len(spread.lines(words)) == len(alone.lines(words)) > 0


def test_hints_the_estimate_and_the_summary_are_said_once(alone: Finished, spread: Finished) -> None:
    (estimate,) = spread.lines("agent evals, estimated: ")
    assert alone.lines("agent evals, estimated: ") == [estimate]
    assert len(spread.lines("'bert' has 2 trials and can never pass or fail")) == 1
    assert spread.output.count("= agent evals =") == 1


def test_every_worker_has_a_database_and_an_executor_of_its_own(spread: Finished) -> None:
    executors: list[str] = []
    for file in sorted(spread.folder.glob("own-gw*.sqlite")):
        with closing(sqlite3.connect(file)) as database:
            rows = database.execute("SELECT DISTINCT executor_id FROM workflow_status").fetchall()
        executors += [executor for (executor,) in rows if executor]
    assert len(executors) == len(set(executors)) == 3
    assert not (spread.folder / "own.sqlite").exists()


@pytest.fixture
def two(project: Project) -> Project:
    """Two cases, twenty trials each."""
    run, case = project.files["evals/cases/rosy/run.json"], case_yaml(rest="variants: [careful]\ntrials: 10")
    files = {f"evals/cases/{name}/{file}": run for name in ("anna", "bert") for file in ("run.json",)}
    files |= {f"evals/cases/{name}/case.yaml": case for name in ("anna", "bert")}
    return project.without("evals/cases/rosy").with_files(files)


def unbounded(project: Project) -> Project:
    """The project with as many trials as it takes."""
    cases = {name: case_yaml(rest="") for name in project.files if name.endswith("case.yaml")}
    settings = project.files["pyproject.toml"].replace("trials = 10\n", "")
    return project.with_files({**cases, "pyproject.toml": settings})


def children(process: Running) -> list[int]:
    """The processes that it has started."""
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="utf-8")
    return [int(pid) for pid in listed.split()]


def interrupt(process: Running) -> None:
    """As a terminal does: everyone hears of it."""
    for pid in (*children(process), process.pid):
        os.kill(pid, signal.SIGINT)


@pytest.mark.slow
def test_ctrl_c_on_a_terminal_waits_for_answers_in_flight_on_every_worker_and_reports(
    two: Project, server: ModelServer, tmp_path: Path
) -> None:
    with server.held():
        process = two.start(tmp_path, "--agent-evals", "-n", "2", "--agent-evals-concurrency", "2")
        server.wait_for(2, seconds=60)
        interrupt(process)
        before = read_until(process, "waiting for the workers' answers in flight")
        time.sleep(1.0)  # the workers look for it a few times a second
    done = finished(process, tmp_path)
    assert done.code == pytest.ExitCode.INTERRUPTED
    assert server.count == 2
    assert "Traceback" not in before + done.output
    assert "crashed" not in done.output
    assert done.verdicts == {
        ("anna", "current"): ("inconclusive", 0, 1),
        ("bert", "current"): ("inconclusive", 0, 1),
    }
    assert len(done.lines("9 of 10 trials did not run")) >= 2


@pytest.mark.slow
def test_a_second_ctrl_c_drops_the_answers_in_flight(
    two: Project, server: ModelServer, tmp_path: Path
) -> None:
    with server.held():
        process = two.start(tmp_path, "--agent-evals", "-n", "2", "--agent-evals-concurrency", "2")
        server.wait_for(2, seconds=60)
        process.send_signal(signal.SIGINT)
        read_until(process, "waiting for the workers' answers in flight")
        time.sleep(1.5)
        interrupt(process)
        done = finished(process, tmp_path, seconds=30)
    assert done.code == pytest.ExitCode.INTERRUPTED
    assert server.count == 2


@pytest.mark.slow
@pytest.mark.flaky(reruns=2)  # on a busy machine the other worker may have begun everything by then
def test_x_stops_the_other_workers_and_what_they_have_not_begun_is_skipped(
    two: Project, server: ModelServer, tmp_path: Path
) -> None:
    run, application = two.files["evals/cases/anna/run.json"], two.files["newsdesk.py"]
    slowly = application.replace("    numbers = load", SLOW_IN_MAY + "    numbers = load")
    project = two.with_files(
        {
            "newsdesk.py": f"import asyncio\n{slowly}",
            "evals/cases/anna/run.json": run.replace('"_model_call_step"', '"ask_the_oracle"'),
            "evals/cases/bert/run.json": re.sub(r'^( +)"March"$', r'\1"May"', run, flags=re.MULTILINE),
        }
    )
    done = project.run(tmp_path, "--agent-evals", "-n", "2", "-x", "-rs")
    assert done.lines("stopping after 1 failures")
    assert done.lines("stopped before anything was measured")
    assert done.counts == {"failed": 1, "skipped": 1}
    assert done.code == pytest.ExitCode.INTERRUPTED
    assert server.count == 0
    assert {(name, verdict) for (name, _), (verdict, _, _) in done.verdicts.items()} == {("anna", "stale")}


SLOW_IN_MAY = """\
    if month == "May":
        await asyncio.sleep(4)
"""


@pytest.mark.slow
def test_the_budget_is_one_for_all_workers(two: Project, server: ModelServer, tmp_path: Path) -> None:
    server.latency = 0.3
    limits = ("--agent-evals-max-tokens", "330", "--agent-evals-concurrency", "2")
    done = unbounded(two).run(tmp_path, "--agent-evals", "-n", "2", *limits)
    assert done.code == 0, done.output
    # 110 tokens each: three until it is reached, and what each worker had begun then.
    assert 3 <= server.count <= 6
    assert {verdict for verdict, _, _ in done.verdicts.values()} == {"inconclusive"}
    assert done.lines("budget: ")


@pytest.mark.slow
def test_one_baseline_is_written_and_the_gate_decides_as_ever(
    two: Project, server: ModelServer, tmp_path: Path
) -> None:
    project = unbounded(two)
    healthy = project.with_files({"newsdesk.py": project.files["newsdesk.py"].replace(BAD, GOOD)})
    accepted = healthy.run(tmp_path, "--agent-evals", "--agent-evals-update-baseline", "-n", "2")
    assert accepted.code == 0, accepted.output
    assert len(accepted.lines("baseline: evals/baseline.json, 2 cases")) == 1
    baseline = json.loads((tmp_path / "evals/baseline.json").read_text())
    found = {name: (entry["passes"], entry["trials"]) for name, entry in baseline["cases"].items()}
    assert found == {"anna": (30, 30), "bert": (30, 30)}
    server.requests.clear()
    worse = project.with_files({"evals/baseline.json": json.dumps(baseline)})
    gate = ("--agent-evals", "--agent-evals-gate", "--agent-evals-variants", "current")
    done = worse.run(tmp_path, *gate, "-n", "2")
    assert done.code == 1
    assert done.lines("gate FAILS: 2 cases beside baseline.json: 2 regressed")
    assert [case["finding"] for case in done.results["gate"]["cases"]] == ["regressed"] * 2
    assert server.count == 20  # 5 each, and 5 more when they are asked again
