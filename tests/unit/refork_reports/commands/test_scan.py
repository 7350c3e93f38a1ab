"""refork scan: tables for people, JSON and exit codes for scripts, and a case of each group."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from refork.case_files.case_file import load_case
from refork.cli import main
from refork_evals.scan.results import Example, Group, Scan
from refork_evals.scorers.expectations import parse_expectations
from refork_evals.trials import score_recorded
from refork_reports.commands._scan_output import headline, print_scan
from support.commands import run_python
from support.many_runs import multiply
from support.production import files_of, put_project

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def database(shop_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = Path(shutil.copy(shop_sqlite, tmp_path_factory.mktemp("scanned")))
    multiply(file, "report-1", 4, prefix="copy", days=2)
    return file


@pytest.fixture
def run(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run the command in a project that names no application."""
    (tmp_path / "pyproject.toml").write_text("[tool.refork]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("DBOS_SYSTEM_DATABASE_URL", f"sqlite:///{database}")
    before = files_of(database.parent)

    def call(*words: str) -> tuple[int, str, str]:
        code = main(["scan", "--workflow", "report", *words])
        assert files_of(database.parent) == before
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_a_scan_says_how_many_fail_when_and_where(run: Run) -> None:
    code, out, _ = run("--expect", "tool_not_called: transfer_to_summarizer")
    assert code == 1
    assert out.startswith("5 of 5 runs fail (100%).\n")
    assert "day " in out
    assert "version " in out
    row = next(line for line in out.splitlines() if line.startswith("tool_not_called"))
    assert row.split()[-1] == "4"
    assert ", step 4: was called: transfer_to_summarizer(" in out


def test_exit_codes_tell_a_script_whether_any_run_fails(run: Run, tmp_path: Path) -> None:
    assert run("--expect", "contains: Revenue")[:2] == (0, "0 of 5 runs fail (0%).\n")
    assert run("--expect", "contains: Revenue", "--since", "2099-01-01")[:2] == (0, "No runs match.\n")
    code, _, err = run("--expect", "contain: Revenue")
    assert (code, err.count("\n")) == (2, 1)
    assert "did you mean 'contains'?" in err
    assert run()[0] == 2
    code, _, err = run("--expect", "contains: x", "--db", f"sqlite:///{tmp_path}/none.sqlite")
    assert (code, err.count("\n")) == (2, 1)
    assert "does not exist" in err


def test_json_holds_every_group_and_run(run: Run) -> None:
    code, out, _ = run("--expect", "not_contains: rose", "--json")
    found = json.loads(out)
    assert (code, found["version"], found["failing"], len(found["days"])) == (1, 1, 5, 2)
    (group,) = found["groups"]
    assert set(group["runs"]) == {"report-1", "copy-0", "copy-1", "copy-2", "copy-3"}
    assert group["expect"] == [{"not_contains": "rose"}]
    assert group["example"]["step"] == 5


def test_a_check_is_imported_from_the_project(run: Run, tmp_path: Path) -> None:
    (tmp_path / "agent_checks.py").write_text(
        "def asked_twice(run):\n"
        "    asked = [s for s in run.steps if s.tool == 'run_sql']\n"
        "    return [(True, s.number, f'asks {place}') for place, s in enumerate(asked)]\n"
    )
    code, out, _ = run("--check", "agent_checks:asked_twice")
    assert code == 1
    assert "asks 0" in out
    assert "asks 1" in out


def test_each_group_becomes_a_case_that_expects_what_failed(run: Run, tmp_path: Path) -> None:
    expected = (
        "tool_not_called: transfer_to_summarizer",
        'not_contains: "12%"',
        "eventually_calls: {call: check, before: transfer_to_summarizer}",
    )
    asked = [*(word for entry in expected for word in ("--expect", entry)), "--capture"]
    code, out, _ = run(*asked)
    assert code == 1
    cases = {folder.name: load_case(folder) for folder in (tmp_path / "evals/cases").iterdir()}
    assert {(case.step, case.scope, next(iter(case.expect[0]))) for case in cases.values()} == {
        (4, "step", "tool_not_called"),
        (5, "step", "not_contains"),
        (4, "tail", "eventually_calls"),
    }
    for case in cases.values():
        recorded = score_recorded(case, parse_expectations(case))
        assert recorded is not None
        assert recorded.passed is False
        assert case.description
    assert "Next: pytest --agent-evals evals/cases" in out

    _, out, _ = run(*asked)
    assert out.count("a case already: evals/cases/") == 3
    assert "Next" not in out
    assert len([*(tmp_path / "evals/cases").iterdir()]) == 3


def test_a_check_makes_several_cases_of_one_run_each_at_its_step(run: Run, tmp_path: Path) -> None:
    (tmp_path / "checks_of_several.py").write_text(
        "def check(run):\n"
        "    return [(True, 4, 'handed over', [{'tool_not_called': 'transfer_to_summarizer'}]),\n"
        "            (True, 5, 'said rose', [{'not_contains': 'rose'}])]\n"
    )
    assert run("--check", "checks_of_several:check", "--last", "1", "--capture")[0] == 1
    cases = {folder.name: load_case(folder) for folder in (tmp_path / "evals/cases").iterdir()}
    assert {name: (case.step, case.expect) for name, case in cases.items()} == {
        "handed-over": (4, ({"tool_not_called": "transfer_to_summarizer"},)),
        "said-rose": (5, ({"not_contains": "rose"},)),
    }
    assert len({case.run.id for case in cases.values()}) == 1


@pytest.mark.slow
def test_a_captured_group_has_the_agent_and_prompt_that_a_replay_finds(
    database: Path, tmp_path: Path
) -> None:
    project = put_project(tmp_path / "project", app=True)
    words = ("--workflow", "report", "--expect", "not_contains: rose", "--capture", "--last", "1")
    environment = {"DBOS_SYSTEM_DATABASE_URL": f"sqlite:///{database}", "OPENAI_API_KEY": "none"}
    done = run_python(project, "-m", "refork.cli", "scan", *words, environment=environment)
    assert done.returncode == 1, done.stderr
    case = load_case(project / "evals/cases/report-not-contains-rose")
    assert (case.agent, case.step) == ("Summarizer", 5)
    assert case.fork_point.request is not None


def test_what_a_model_wrote_is_escaped_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    example = Example(run="r", step=1, reason="said '\x1b[31mred'")
    group = Group(name="n", what="\x1b[2Jx", workflow="w", where="\x1b[1m", runs=("r",), example=example)
    print_scan(Scan(runs=1, failing=1, groups=(group,)))
    assert "\x1b" not in capsys.readouterr().out


def test_the_headline_counts_runs_in_progress() -> None:
    assert headline(Scan(runs=1200, failing=1, in_progress=2)) == (
        "1 of 1,200 runs fails (1%). 2 more are in progress."
    )
