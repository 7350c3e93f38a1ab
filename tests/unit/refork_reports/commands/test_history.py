"""refork history: the rates of earlier sessions, and where a case changed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from refork.cli import commands
from refork.errors import BadInputError
from refork_reports.history.file import append
from support.histories import dropped, past_cell, past_session

FILE = Path("reports/agent-evals/history.jsonl")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.refork]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TZ", "UTC")
    for session in dropped():
        append(FILE, session)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["history", *arguments], prog_name="refork")


def refused(*arguments: str) -> str:
    done = run(*arguments)
    assert isinstance(done.exception, BadInputError), done.output
    return str(done.exception)


def test_a_row_for_each_case_says_where_it_changed() -> None:
    done = run()
    assert done.output.splitlines() == [
        "case    pass rate  last  verdict       changed",
        "rosy    ▇█▂        2/10  fail          fell at 0000003",
        "steady  ▇▇▇        8/10  inconclusive",
    ]


def test_with_a_case_there_is_a_row_for_each_session_within_80_columns() -> None:
    append(FILE, past_session(4, past_cell(10, fingerprint="f2"), dirty=True))
    lines = run("rosy").output.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[3].split()[2:6] == ["0000003", "2/10", "6–51%", "fail"]
    assert "fell from pa" in lines[3]
    assert "0000004*" in lines[4]
    assert "case redefin" in lines[4]


def test_only_the_last_sessions_are_shown_on_request() -> None:
    assert len(run("rosy", "--last", "2").output.splitlines()) == 3


def test_as_json_it_has_each_session_with_what_changed() -> None:
    found = json.loads(run("rosy", "--json").output)
    (series,) = found["series"]
    assert (series["case"], series["variant"]) == ("rosy", "current")
    assert [each["passes"] for each in series["sessions"]] == [9, 10, 2]
    assert series["sessions"][2]["changed"] == {
        "direction": "fell",
        "verdict_before": "pass",
        "rate_before": 1.0,
    }


def test_what_is_not_in_the_history_is_named_with_the_nearest() -> None:
    assert refused("rosi") == "no case of the history is 'rosi'; did you mean 'rosy'?"
    assert refused("--variant", "curent") == "no variant of the history is 'curent'; did you mean 'current'?"


def test_without_a_history_it_says_what_to_do(folder: Path) -> None:
    FILE.unlink()
    assert "holds no session: run `pytest --agent-evals` first" in refused()
    (folder / "pyproject.toml").write_text('[tool.refork]\nhistory = "off"\n')
    assert refused().startswith("no history is kept: [tool.refork] history is 'off'")


def test_lines_that_cannot_be_read_are_counted() -> None:
    with FILE.open("a", encoding="utf-8") as file:
        file.write('{"version": 1, "sta')
    done = run()
    assert "rosy" in done.output
    assert "1 of its lines cannot be read" in " ".join((done.output + done.stderr).split())


def test_hostile_names_are_escaped(tmp_path: Path) -> None:
    append(tmp_path / "own.jsonl", past_session(1, past_cell(1, case="\x1b[31mred")))
    assert "\\x1b[31mred" in run("--file", "own.jsonl").output
