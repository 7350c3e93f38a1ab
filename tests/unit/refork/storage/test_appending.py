"""Lines that several processes append to one file."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from refork.errors import BadFileError
from refork.storage.appending import append_line
from refork.storage.process_locks import try_lock


def test_a_line_is_appended_to_a_file_that_is_made_with_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "a" / "lines.jsonl"
    append_line(file, "one")
    append_line(file, "two")
    assert file.read_text() == "one\ntwo\n"


def test_a_last_line_that_was_cut_off_stays_a_line_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text('{"version": 1, "sta')
    append_line(file, "whole")
    assert file.read_text() == '{"version": 1, "sta\nwhole\n'


def test_lines_that_are_appended_at_once_are_not_mixed(tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    lines = [str(number) * 20_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(partial(append_line, file), lines))
    assert sorted(file.read_text().split()) == lines


def test_a_file_that_another_process_holds_is_refused_after_a_while(tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT)
    try:
        assert try_lock(descriptor)
        with pytest.raises(BadFileError, match=r"is being written by another process for more than 0\.05 s"):
            append_line(file, "late", wait=0.05)
    finally:
        os.close(descriptor)
    assert file.read_text() == ""


def test_no_secret_of_the_process_is_appended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", "k3y-9f81aa02c7714d5e")
    append_line(tmp_path / "lines.jsonl", "case k3y-9f81aa02c7714d5e")
    assert (tmp_path / "lines.jsonl").read_text() == "case ***\n"


def test_a_folder_in_the_place_of_the_file_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match=r"cannot be written: Is a directory"):
        append_line(tmp_path, "one")
