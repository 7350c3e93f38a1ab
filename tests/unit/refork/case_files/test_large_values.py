"""Large values in run.json: compressed where a replay needs them, left out past the fork point."""

import base64
import json
import random
import zlib
from pathlib import Path

import pytest
from refork.case_capture.case_writer import capture
from refork.case_capture.run_summary import outline
from refork.case_files.case_file import load_case
from refork.case_files.large_values import MOST, is_left_out
from refork.case_files.run_file import load_run
from refork.errors import BadFileError
from refork.records import Run, Step, StepKind

BIG = random.Random(1).randbytes(150_000).hex()
STEPS = (
    Step(number=1, name="load", output=BIG),
    Step(number=2, name="_model_call_step", kind=StepKind.MODEL, agent="clerk", output="said"),
    Step(number=3, name="keep", output=BIG),
)
RUN = Run(id="r", workflow="w", status="SUCCESS", args=(BIG,), output=BIG, steps=STEPS)


def captured(tmp_path: Path, run: Run = RUN) -> Path:
    return capture(run, step=2, cases=tmp_path, name="big", steps=STEPS).folder


def test_values_that_a_replay_needs_are_compressed_without_loss(tmp_path: Path) -> None:
    folder = captured(tmp_path)
    run = load_case(folder).run
    assert (run.args, run.steps[0].output) == ((BIG,), BIG)
    assert (folder / "run.json").stat().st_size < 2 * len(BIG)


def test_past_the_fork_point_only_the_size_is_kept(tmp_path: Path) -> None:
    run = load_case(captured(tmp_path)).run
    assert is_left_out(run.steps[2].output)
    assert is_left_out(run.output)
    assert "300,002 characters" in json.dumps(run.steps[2].output)


def test_a_run_that_is_held_as_an_outline_is_written_in_full(tmp_path: Path) -> None:
    assert load_run(captured(tmp_path, outline(RUN)) / "run.json").steps[0].output == BIG


def test_a_fork_point_that_is_moved_past_what_was_left_out_is_refused(tmp_path: Path) -> None:
    folder = captured(tmp_path)
    steps = (*STEPS, Step(number=4, name="_model_call_step", kind=StepKind.MODEL, output="said"))
    folder = capture(RUN, step=2, cases=tmp_path, name="moved", steps=steps).folder
    case = folder / "case.yaml"
    case.write_text(case.read_text().replace("step: 2", "step: 4"))
    with pytest.raises(BadFileError, match="the output of step 3 was too large to keep past the fork point"):
        load_case(folder)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("no base64!", "is damaged"),
        (base64.b64encode(zlib.compress(b'"x"')[:-4]).decode(), "ends too early"),
        (base64.b64encode(zlib.compress(b"nonsense")).decode(), "run.json"),
    ],
)
def test_a_damaged_value_is_refused(tmp_path: Path, data: str, said: str) -> None:
    folder = captured(tmp_path)
    written = json.loads((folder / "run.json").read_text())
    written["run"]["steps"][0]["output"] = {"$type": "zlib", "value": data}
    (folder / "run.json").write_text(json.dumps(written))
    with pytest.raises(BadFileError, match=said):
        load_case(folder)


def test_a_value_that_expands_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refork.case_files.large_values.MOST", 1000)
    assert MOST > 1000
    with pytest.raises(BadFileError, match="expands to more than 1,000 characters"):
        load_case(captured(tmp_path))
