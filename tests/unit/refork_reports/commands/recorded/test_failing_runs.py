"""refork runs --failing: what went wrong, by what a caller or the project's cases expect."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from refork.cli import main
from support.many_runs import multiply
from support.production import files_of

Run = Callable[..., tuple[int, str, str]]
OUTPUT = '"Revenue fell by 3%."'


@pytest.fixture(scope="module")
def database(shop_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three more runs that went as ``report-1`` did."""
    file = Path(shutil.copy(shop_sqlite, tmp_path_factory.mktemp("failing")))
    multiply(file, "report-1", 3, prefix="copy")
    return file


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.refork]\n")
    (tmp_path / "checks_of_failing.py").write_text(
        "def asked(run):\n"
        "    return [(True, s.number, f'asks {n}') for n, s in enumerate(run.steps) if s.tool == 'run_sql']\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delenv("COLUMNS", raising=False)
    return tmp_path


@pytest.fixture
def run(
    folder: Path, database: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    monkeypatch.setenv("DBOS_SYSTEM_DATABASE_URL", f"sqlite:///{database}")
    before = files_of(database.parent)

    def call(*words: str, command: tuple[str, ...] = ("runs", "--failing")) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([*command, *words])
        assert files_of(database.parent) == before
        out, err = capsys.readouterr()
        return code, out, err

    return call


def failing(run: Run, *words: str) -> dict[str, list[tuple[object, str]]]:
    found = json.loads(run(*words, "--json")[1])
    return {each["id"]: [(at["step"], at["what"]) for at in each["failing"]] for each in found["runs"]}


def test_runs_that_fail_what_is_expected_are_listed_with_their_step(run: Run) -> None:
    code, out, _ = run("--workflow", "report", "--expect", "tool_not_called: transfer_to_summarizer")
    lines = out.splitlines()
    assert (code, len(lines)) == (0, 5)
    assert lines[0].split()[-4:] == ["at", "step", "what", "failed"]
    row = next(line for line in lines if line.startswith("report-1 "))
    assert "  4  tool_not_called: transfer_to_summarizer: was called: transfer_to_summarizer(" in row


def test_it_finds_the_runs_that_a_scan_finds(run: Run) -> None:
    words = ("--workflow", "report", "--expect", "contains: fell", "--json")
    scanned = json.loads(run(*words, command=("scan",))[1])
    assert {each for group in scanned["groups"] for each in group["runs"]} == set(failing(run, *words[:-1]))


def test_a_run_that_ended_with_an_error_fails_at_the_step_that_raised_it(run: Run) -> None:
    found = failing(run, "--workflow", "order")
    assert [(at, what.partition(":")[0]) for at, what in found["order-1"]] == [(1, "shop.OutOfStockError")]


def test_a_function_may_find_several_failures_in_a_run(run: Run) -> None:
    found = failing(run, "--workflow", "report", "--check", "checks_of_failing:asked")
    assert found["copy-0"] == [(2, "asks 1"), (3, "asks 2")]
    out = run("--workflow", "report", "--check", "checks_of_failing:asked")[1]
    assert "(+1) asks 1" in out


def test_only_the_newest_are_listed(run: Run) -> None:
    assert list(failing(run, "--workflow", "report", "--expect", "contains: fell", "--limit", "2")) == [
        "copy-0",
        "report-1",
    ]


def test_runs_that_meet_everything_are_counted(run: Run) -> None:
    done = run("--workflow", "report", "--expect", "contains: Revenue")
    assert done == (0, "None of 4 runs failed.\n", "")
    assert run("--since", "2999-01-01", "--expect", "contains: Revenue")[1] == "No runs match.\n"


def test_options_that_contradict_it_are_refused(run: Run) -> None:
    assert run("--flagged")[0] == 2
    assert run("--expect", "contains: x", command=("runs",))[0] == 2
    code, _, err = run("--expect", "judge: is polite")
    assert (code, err.count("\n")) == (2, 1)


def capture_case(run: Run, folder: Path, name: str, expect: str) -> None:
    words = ("report-1", "--step", "5", "--name", name)
    assert run(*words, command=("capture",))[0] == 0
    file = folder / "evals/cases" / name / "case.yaml"
    text = "\n".join(line for line in file.read_text().splitlines() if not line.startswith("expect"))
    file.write_text(f"{text}\nexpect:\n{expect}")


def test_without_expectations_those_of_the_projects_cases_are_applied_and_it_says_which(
    run: Run, folder: Path
) -> None:
    capture_case(run, folder, "rose", "  - contains: fell\n")
    capture_case(run, folder, "short", "  - max_tokens: 1\n  - judge: is polite\n")
    code, _, err = run("--workflow", "report")
    assert code == 0
    assert err.splitlines()[-1] == (
        "refork: looked for runs that ended with an error, and for what 2 cases expect, of runs with the input of "
        "the case; what 1 of them say of form and size, of every run of the workflow; what 1 of them ask a model "
        "was left out"
    )
    found = failing(run, "--workflow", "report")
    assert set(found) == {"report-1", "copy-0", "copy-1", "copy-2"}
    assert found["copy-0"] == [(5, "rose: contains: fell"), (5, "short: max_tokens: 1")]
    assert set(failing(run)) == {*found, "order-1"}


def test_a_case_that_cannot_be_applied_is_named(run: Run, folder: Path) -> None:
    capture_case(run, folder, "own", "  - scorer_of_a_conftest: 1\n")
    err = run("--workflow", "report")[2]
    assert "case 'own' is not applied: " in err
    assert "no case of the project says more" in err
