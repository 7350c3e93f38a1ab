"""history.jsonl is written a line a session, and read back whatever became of its lines."""

import json
from pathlib import Path

import pytest
from refork.errors import BadFileError
from refork_reports.history.file import append, read
from support.histories import dropped, past_cell, past_session


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "history.jsonl"
    for session in dropped():
        append(path, session)
    return path


def test_what_was_appended_is_read_back(file: Path) -> None:
    assert read(file).sessions == dropped()
    assert read(file, last=1).sessions == dropped()[-1:]


def test_a_missing_file_is_an_empty_history(tmp_path: Path) -> None:
    assert read(tmp_path / "history.jsonl").sessions == ()


def test_a_torn_line_and_the_marks_of_a_merge_are_passed_over_and_counted(file: Path) -> None:
    whole = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([whole[0], "<<<<<<< ours", whole[1], whole[2][:60]]), encoding="utf-8")
    found = read(file)
    assert (found.sessions, found.unreadable) == (dropped()[:2], 2)
    append(file, dropped()[2])
    assert read(file).sessions == dropped()


def test_lines_of_merged_branches_are_in_the_order_of_their_time(file: Path) -> None:
    file.write_text(
        "\n".join(reversed(file.read_text(encoding="utf-8").splitlines())) + "\n", encoding="utf-8"
    )
    assert read(file).sessions == dropped()


def test_a_key_that_a_newer_version_added_is_ignored(file: Path) -> None:
    lines = [
        json.dumps({**json.loads(line), "weather": "fair"})
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert read(file).sessions == dropped()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"version": 2}', "was written by a newer Refork"),
        ('{"version": 1, "started_at": "2026-11-20T12:00:00Z"}', "the key 'seconds' is missing"),
        ("12", "must hold a mapping"),
    ],
)
def test_a_line_that_means_something_else_is_refused(file: Path, line: str, said: str) -> None:
    file.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(BadFileError, match=said):
        read(file)


def test_a_line_is_ascii_so_that_no_terminal_obeys_it(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    append(file, past_session(1, past_cell(1, model="\x1b[31m\u202eé")))
    assert file.read_text(encoding="utf-8").isascii()
    assert "\x1b" not in file.read_text(encoding="utf-8")
