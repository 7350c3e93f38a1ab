"""``results.json`` holds all of it, reads back, and refuses what it does not know."""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from refork.errors import BadFileError
from refork.records import Answer
from refork.records.outcome import Trial
from refork_evals.portable import portable
from refork_evals.results import GateFinding, ScoredTrial, Verdict
from refork_reports.results_json import dumps, json_schema, read
from support.gated import gated
from support.report_evaluations import (
    HOSTILE,
    case,
    cell,
    evaluation,
    everything,
    misleading_summary,
    realistic,
    small,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "results-v1.json"
SCHEMA = Path(__file__).parents[4] / "docs" / "schemas" / "results-v1.json"
UPDATE = os.environ.get("REFORK_UPDATE_GOLDEN") == "1"


def current(file: Path, text: str) -> str:
    """The committed text of ``file``; ``REFORK_UPDATE_GOLDEN=1`` writes it anew first."""
    if UPDATE:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return file.read_text(encoding="utf-8")


def test_the_file_is_the_golden_one() -> None:
    assert dumps(small()) == current(GOLDEN, dumps(small()))


def test_the_published_schema_is_current() -> None:
    assert json_schema() == current(SCHEMA, json_schema())


def test_the_golden_file_is_still_read() -> None:
    found = read(GOLDEN)
    assert found.cases[0].cells[1].fixes
    assert [step.state for step in found.cases[0].run.steps] == ["before", "before", "fork point", "after"]


def test_every_file_meets_the_published_schema() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    for made in (realistic(), everything(), evaluation()):
        jsonschema.validate(json.loads(dumps(made)), schema)


def test_the_version_comes_first() -> None:
    assert next(iter(json.loads(dumps(realistic())).items())) == ("version", 1)


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text(dumps(everything()), encoding="utf-8")
    assert read(file).model_dump(mode="json") == json.loads(dumps(everything()))


def test_money_is_a_plain_decimal_string_and_unknown_is_null() -> None:
    cells = json.loads(dumps(everything()))["cases"]
    assert cells[0]["cells"][0]["cost_usd"] == format(misleading_summary().cells[0].cost_usd or 0, "f")
    assert cells[-1]["cells"][0]["cost_usd"] is None


def test_full_outputs_are_kept() -> None:
    trials = json.loads(dumps(everything()))["cases"][-1]["cells"][0]["trials"]
    assert len(trials[1]["answer"]["text"]) == 1_200_000 + len(" THE END")


def test_numbers_that_json_lacks_are_spelled_out_or_null() -> None:
    text = dumps(everything())
    trial = json.loads(text, parse_constant=pytest.fail)["cases"][-1]["cells"][0]["trials"][3]
    assert trial["answer"]["tool_calls"][0]["arguments"]["nan"] == "nan"
    assert trial["scores"][0]["value"] is None


def test_half_a_surrogate_pair_is_spelled_out() -> None:
    assert portable(HOSTILE).encode()
    assert "\\ud800" in portable(HOSTILE)


def test_bottomless_nesting_is_kept_as_text(tmp_path: Path) -> None:
    nested: Any = []
    for _ in range(400):
        nested = [nested]
    trial = ScoredTrial(
        trial=Trial(variant="current", number=1, answer=Answer(structured=nested)), passed=False
    )
    made = misleading_summary()
    deep = evaluation(
        type(made)(case=case("deep"), recorded=None, cells=(cell("deep", "current", Verdict.FAIL, [trial]),))
    )
    file = tmp_path / "results.json"
    file.write_text(dumps(deep), encoding="utf-8")
    assert read(file).cases[0].name == "deep"


def golden_with(tmp_path: Path, **changes: Any) -> Path:
    file = tmp_path / "results.json"
    file.write_text(json.dumps(json.loads(GOLDEN.read_text(encoding="utf-8")) | changes), encoding="utf-8")
    return file


def test_a_newer_version_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match=r"results\.json.*newer Refork \(format 2.*upgrade refork"):
        read(golden_with(tmp_path, version=2, shape="unknown"))


def test_an_unknown_key_names_the_nearest_known_one(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match=r"results\.json.*unknown key 'headlin'.*'headline'"):
        read(golden_with(tmp_path, headlin="x"))


def test_a_file_that_has_savings_in_place_of_three_figures_is_still_read(tmp_path: Path) -> None:
    written = json.loads(GOLDEN.read_text(encoding="utf-8"))
    for entry in (written["totals"], *(each for result in written["cases"] for each in result["cells"])):
        entry["savings"] = {"trials": 1, "tokens": -5, "cost_usd": None, "seconds": 1.0}
        for added in ("paid", "reused", "whole_reruns"):
            entry[added] = None
    assert read(golden_with(tmp_path, **written)).totals.paid is None


@pytest.mark.parametrize(
    ("verdict", "change", "read_as"),
    [
        ("pass", "unchanged", Verdict.HELD),
        ("pass", "improved", Verdict.HELD),
        ("fail", "regressed", Verdict.DROPPED),
        ("fail", "unchanged", Verdict.FAIL),
        ("inconclusive", "inconclusive", Verdict.INCONCLUSIVE),
    ],
)
def test_a_file_that_says_pass_beside_a_baseline_is_read_as_held(
    tmp_path: Path, verdict: str, change: str, read_as: Verdict
) -> None:
    written = json.loads(dumps(gated(passes=True)))
    old = written["cases"][0]["cells"][0]
    old["method"], old["verdict"], old["comparison"]["change"] = "baseline", verdict, change
    written["gate"]["cases"][0]["finding"] = "unchanged"
    found = read(golden_with(tmp_path, **written))
    assert found.cases[0].cells[0].verdict is read_as
    assert found.gate is not None
    assert found.gate.cases[0].finding is GateFinding.HELD


def test_a_file_whose_comparisons_have_no_margin_keeps_to_the_schema() -> None:
    written = json.loads(dumps(gated()))
    for compared in written["comparisons"]:
        del compared["margin"], compared["worse_guards"]
    assert written["comparisons"]
    jsonschema.validate(written, json.loads(json_schema()))


def test_a_wrong_value_names_its_place(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match=r"results\.json.*'alpha' must be"):
        read(golden_with(tmp_path, alpha="often"))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 1', '{"version": 1}', '{"version": NaN}', "[" * 5000]
)
def test_a_damaged_file_is_one_line_that_names_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "results.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadFileError, match=r"results\.json") as raised:
        read(file)
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match=r"nowhere\.json' does not exist"):
        read(tmp_path / "nowhere.json")


def test_a_tail_keeps_all_its_steps_and_what_production_did() -> None:
    (case,) = [case for case in json.loads(dumps(everything()))["cases"] if case["scope"] == "tail"]
    assert [len(trial["trajectory"]) for trial in case["cells"][0]["trials"]] == [5, 5, 5, 60, 0, *[5] * 5]
    step = case["cells"][0]["trials"][1]["trajectory"][1]
    assert {key: value for key, value in step.items() if value is not None} == {
        "number": 4, "kind": "tool", "name": "refund", "arguments": {"amount": 50}, "said": "refunded 50",
        "operation": "refund", "tool": "refund", "user": False
    }  # fmt: skip
    assert [step["number"] for step in case["recorded"]["trajectory"]] == [3, 4, 5, 6, 7]
