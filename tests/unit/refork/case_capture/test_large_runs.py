"""Runs that are too large to be held, or to be looked at, become cases of a bearable size."""

import random
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from refork.case_capture.case_writer import LARGEST_READ_BACK, capture
from refork.case_capture.run_summary import outline
from refork.case_files.case_file import CASE_FILE, load_case
from refork.case_files.large_values import LARGE
from refork.case_files.run_file import RUN_FILE
from refork.errors import BadFileError
from refork.records import Run, Step, StepKind

WORDS = "all work and no play " * (LARGE // 10)


def step(number: int, output: str) -> Step:
    return Step(number=number, name="_model_call_step", kind=StepKind.MODEL, agent="writer", output=output)


def run_of(*outputs: str) -> Run:
    steps = tuple(step(number, output) for number, output in enumerate(outputs, 1))
    return Run(id="big", workflow="write", status="SUCCESS", args=(WORDS,), output=WORDS, steps=steps)


def test_values_before_the_fork_point_are_compressed_and_those_past_it_left_out(tmp_path: Path) -> None:
    run = run_of(WORDS, "short", WORDS)
    captured = capture(run, step=2, cases=tmp_path, name="big")
    assert (captured.folder / RUN_FILE).stat().st_size < len(WORDS) / 10
    read = load_case(captured.folder).run
    assert (read.args, read.steps[0].output) == ((WORDS,), WORDS)
    assert "left out: " in read.steps[2].output["value"]["text"]
    assert "left out: " in read.output["value"]["text"]


def test_a_fork_point_moved_past_what_was_left_out_is_refused_with_what_to_do(tmp_path: Path) -> None:
    folder = capture(run_of(WORDS, WORDS, "short"), step=1, cases=tmp_path, name="big").folder
    file = folder / CASE_FILE
    file.write_text(file.read_text().replace("step: 1", "step: 3"))
    with pytest.raises(BadFileError, match=r"output of step 2 .* capture the run again with --step 3"):
        load_case(folder)


def test_a_run_larger_than_is_read_back_is_captured_from_its_outlines_step_by_step(tmp_path: Path) -> None:
    noise = random.Random(3).randbytes(LARGEST_READ_BACK // 2).hex()
    run = run_of(noise, noise[::-1], "short")
    held: list[int] = []

    def one_by_one() -> Iterator[Step]:
        for each in run.steps:
            held.append(each.number)
            yield each

    captured = capture(outline(run), step=3, cases=tmp_path, name="big", steps=one_by_one())
    assert held == [1, 2, 3]
    assert (captured.folder / RUN_FILE).stat().st_size > LARGEST_READ_BACK
    assert [each.output for each in load_case(captured.folder).run.steps] == [noise, noise[::-1], "short"]


def test_a_compressed_value_that_was_cut_off_is_damage_and_no_value(tmp_path: Path) -> None:
    folder = capture(run_of(WORDS, "short"), step=2, cases=tmp_path, name="big").folder
    file = folder / RUN_FILE
    text = file.read_text()
    start = text.index('"zlib"')
    at = text.index('"value": "', start) + len('"value": "')
    end = text.index('"', at)
    file.write_text(text[: at + (end - at) // 8 * 4] + text[end:])
    with pytest.raises(BadFileError, match=r"run\.json.* is damaged"):
        load_case(folder)


def test_a_file_that_expands_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = capture(run_of(WORDS, "short"), step=2, cases=tmp_path, name="big").folder
    monkeypatch.setattr("refork.case_files.large_values.MOST", len(WORDS) // 2)
    with pytest.raises(BadFileError, match="the most that is read"):
        load_case(folder)


def test_an_outline_keeps_the_beginning_of_a_value_and_says_how_long_it_was() -> None:
    run = run_of(WORDS)
    (found,) = outline(replace(run, steps=(replace(run.steps[0], kind=StepKind.TOOL),))).steps
    assert found.output["value"]["text"].startswith("all work")
    assert f"({len(WORDS):,} characters)" in found.output["value"]["text"]
    assert len(zlib.compress(repr(found).encode())) < 1000
