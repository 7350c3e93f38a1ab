"""refork show with expectations: the run of a real application, and the step at which it breaks them."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from refork.cli import commands


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that names no application, so that nothing is replayed, and a check of its own."""
    (tmp_path / "pyproject.toml").write_text("[tool.refork.tools]\nrun_sql = {writes = true}\n")
    (tmp_path / "checks_of_show.py").write_text(
        "def asked(run):\n    return [(True, s.number, f'asks {s.tool}') for s in run.steps if s.tool]\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


def show(sqlite_file: Path, *arguments: str, run: str = "report-1") -> Result:
    given = ["show", run, *arguments, "--db", f"sqlite:///{sqlite_file}"]
    return CliRunner().invoke(commands, given, prog_name="refork")


def test_the_step_at_which_an_expectation_is_broken_is_marked(sqlite_file: Path) -> None:
    done = show(sqlite_file, "--expect", "tool_not_called: transfer_to_summarizer")
    lines = done.stdout.splitlines()
    assert next(line for line in lines if line.split()[1:3] == ["4", "model"]).startswith("✗")
    assert "✗ step 4: tool_not_called: transfer_to_summarizer: was called: " in done.stdout
    assert [line.split()[1] for line in lines if line.startswith("✎")] == ["2", "3"]


def test_a_run_that_meets_what_is_expected_has_no_such_mark(sqlite_file: Path) -> None:
    assert "✗" not in show(sqlite_file, "--expect", "contains: Revenue").stdout


def test_a_check_may_name_several_steps_of_a_run(sqlite_file: Path) -> None:
    found = json.loads(show(sqlite_file, "--check", "checks_of_show:asked", "--json").stdout)
    assert found["marks"]["broken"] == [2, 3]
    assert found["marks"]["writes"] == [2, 3]
    assert found["marks"]["reasons"] == [
        {"step": 2, "reason": "asks run_sql"},
        {"step": 3, "reason": "asks run_sql"},
    ]


def test_the_page_says_what_is_broken(sqlite_file: Path, folder: Path) -> None:
    words = ("--expect", "tool_not_called: transfer_to_summarizer", "--html", "run.html")
    assert show(sqlite_file, *words).exit_code == 0
    assert "broken here" in (folder / "run.html").read_text(encoding="utf-8")


def test_an_expectation_that_asks_a_model_is_refused(sqlite_file: Path) -> None:
    done = show(sqlite_file, "--expect", "judge: is polite")
    assert "asks a model" in str(done.exception)
