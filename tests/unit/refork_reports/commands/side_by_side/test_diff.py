"""refork diff: two runs of a production database side by side."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from refork.cli import commands, main
from refork.records import Run, Step
from refork_reports.commands.side_by_side._output import lines_of
from refork_reports.views.run_pages.run_diff import paired, runs_beside
from support.many_runs import multiply


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that names no application, so that nothing is replayed."""
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))


def run(sqlite_file: Path, *arguments: str) -> Result:
    given = ["diff", *arguments, "--db", f"sqlite:///{sqlite_file}"]
    return CliRunner().invoke(commands, given, prog_name="refork", catch_exceptions=False)


def shown(before: object, after: object) -> list[str]:
    first, second = (
        Run(id=name, workflow="w", status="SUCCESS", steps=(Step(number=1, name="say", output=output),))
        for name, output in (("a", before), ("b", after))
    )
    return [*lines_of(runs_beside(first, second, paired(first.steps, second.steps)))]


def test_a_run_beside_itself_does_not_differ(sqlite_file: Path) -> None:
    done = run(sqlite_file, "report-1", "report-1")
    assert done.stdout.splitlines()[2:] == ["No step differs."]


def test_two_runs_are_shown_from_the_first_step_that_differs(sqlite_file: Path) -> None:
    done = run(sqlite_file, "order-1", "quote-1")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("- order-1  ")
    assert lines[1].startswith("+ quote-1  ")
    assert lines[2].startswith("First difference: step ")
    assert max(map(len, lines)) <= 80


def test_as_json_it_has_every_pair_of_steps(sqlite_file: Path) -> None:
    found = json.loads(run(sqlite_file, "report-1", "report-1", "--json").stdout)
    assert (found["before"], found["after"]) == ("report-1", "report-1")
    assert found["steps"]
    assert all(pair["equal"] for pair in found["steps"])


def test_words_that_differ_are_marked() -> None:
    lines = shown("Revenue rose by 12% in March.", "Revenue fell by 12% in March.")
    assert lines[2] == "First difference: step 1, say"
    assert lines[-1] == "    output: Revenue [-rose-] {+fell+} by 12% in March."


def test_hostile_text_is_escaped_and_a_long_one_is_wrapped() -> None:
    lines = shown("\x1b[31mred" + "x" * 500, "calm \u202e")
    assert "\x1b" not in "".join(lines)
    assert "\u202e" not in "".join(lines)
    assert max(map(len, lines)) <= 80


def test_a_run_is_laid_beside_the_newest_that_went_well_on_the_same_input(sqlite_file: Path) -> None:
    multiply(sqlite_file, "report-1", 2, prefix="copy")
    for second in ((), ("good",)):
        lines = run(sqlite_file, "report-1", *second).stdout.splitlines()
        assert lines[1].startswith("+ copy-0  ")


def test_a_run_that_fails_what_is_expected_did_not_go_well(
    sqlite_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    multiply(sqlite_file, "report-1", 2, prefix="copy")
    given = ["diff", "report-1", "--db", f"sqlite:///{sqlite_file}", "--expect", "contains: fell"]
    assert main(given) == 2
    assert "2 other runs with that input fail what is expected; name a run" in capsys.readouterr().err


def test_without_a_run_on_the_same_input_it_says_so(
    sqlite_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", "report-1", "--db", f"sqlite:///{sqlite_file}"]) == 2
    assert "no other run of its workflow with that input succeeded" in capsys.readouterr().err


def test_the_page_lays_both_side_by_side_and_folds_what_is_equal(sqlite_file: Path, tmp_path: Path) -> None:
    run(sqlite_file, "order-1", "quote-1", "--html", "diff.html")
    page = (tmp_path / "diff.html").read_text(encoding="utf-8")
    assert 'First difference: <a href="#part-' in page
    assert page.count("<script") == 1
    run(sqlite_file, "report-1", "report-1", "--html", "same.html")
    page = (tmp_path / "same.html").read_text(encoding="utf-8")
    assert "No step differs" in page
    assert "5 equal steps" in page
