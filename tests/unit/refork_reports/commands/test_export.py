"""refork export: results.json as files that other programs read."""

import json
import math
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from refork.cli import commands
from refork_evals.results import SuiteResult, Verdict
from refork_reports import results_json
from refork_reports.formats import frames
from support.gated import gated
from support.report_evaluations import (
    cell,
    evaluation,
    everything,
    failed,
    hostile,
    misleading_summary,
    passed,
    stale,
    unmeasured,
)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(commands, ["export", *map(str, arguments)], prog_name="refork")


def written(found: SuiteResult, path: Path) -> Path:
    path.write_text(results_json.dumps(found), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(everything(), tmp_path_factory.mktemp("results") / "results.json")


@pytest.mark.parametrize("table", ["trials", "cells", "scores"])
def test_csv_has_the_columns_and_rows_of_the_frame(results: Path, tmp_path: Path, table: str) -> None:
    assert run(results, "--csv", "--table", table, "-o", tmp_path / "out.csv").exit_code == 0
    found = pd.read_csv(tmp_path / "out.csv")
    makers = {"trials": frames.trials, "cells": frames.cells, "scores": frames.scores}
    computed = makers[table](everything())
    assert list(found.columns) == list(computed.columns)
    again = pd.read_csv(StringIO(computed.to_csv(index=False))).replace(
        math.inf, math.nan
    )  # null in the file
    numbers = list(again.select_dtypes("number").columns)
    pd.testing.assert_frame_equal(found[[*numbers, "variant"]], again[[*numbers, "variant"]])


def test_a_spreadsheet_does_not_calculate_what_a_model_said(tmp_path: Path) -> None:
    trials = [passed("current", 1, '=HYPERLINK("http://bad")'), passed("current", 2, "fell by 3")]
    case = misleading_summary()
    found = evaluation(replace(case, cells=(cell(case.case.name, "current", Verdict.PASS, trials),)))
    file = written(found, tmp_path / "results.json")
    run(file, "--csv", "-o", tmp_path / "out.csv")
    assert list(pd.read_csv(tmp_path / "out.csv")["text"]) == ['\'=HYPERLINK("http://bad")', "fell by 3"]
    run(file, "--json", "-o", tmp_path / "out.jsonl")
    first = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert first["answer"]["text"] == '=HYPERLINK("http://bad")'


def test_json_lines_hold_each_trial_as_results_json_does(results: Path, tmp_path: Path) -> None:
    run(results, "--json", "-o", tmp_path / "out.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    expected = [
        {"case": case["name"], "variant": cell["variant"], **trial}
        for case in json.loads(results.read_text(encoding="utf-8"))["cases"]
        for cell in case["cells"]
        for trial in cell["trials"]
    ]
    assert lines == expected


def test_json_lines_of_cells_and_scores_have_a_row_each(results: Path, tmp_path: Path) -> None:
    computed = everything()
    for table, rows in (("cells", frames.cells(computed)), ("scores", frames.scores(computed))):
        run(results, "--json", "--table", table, "-o", tmp_path / table)
        lines = [json.loads(line) for line in (tmp_path / table).read_text(encoding="utf-8").splitlines()]
        assert [line["variant"] for line in lines] == list(rows["variant"])


def test_parquet_keeps_the_types_of_the_frame(results: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    assert run(results, "--parquet", "--table", "cells", "-o", tmp_path / "out.parquet").exit_code == 0
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out.parquet"), frames.cells(everything()))


def test_parquet_without_pyarrow_names_the_command_that_installs_it(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = run(results, "--parquet", "-o", tmp_path / "out.parquet")
    assert "pip install 'refork[parquet]'" in str(done.exception or done.output)
    assert not (tmp_path / "out.parquet").exists()


def junit(found: SuiteResult, folder: Path) -> ET.Element:
    done = run(written(found, folder / "results.json"), "--junit", "-o", folder / "junit.xml")
    assert done.exit_code == 0
    return ET.parse(folder / "junit.xml").getroot()


def test_in_junit_only_current_fails_and_says_what_the_item_says(tmp_path: Path) -> None:
    root = junit(evaluation(misleading_summary()), tmp_path)
    found = {case.get("name"): case for case in root.iter("testcase")}
    failure = found["current"].find("failure")
    assert failure is not None
    assert str(failure.get("message")).startswith("fail: 1 of 10 trials passed (95% interval")
    assert "trial 1: " in str(failure.text)
    assert found["careful"].find("failure") is None
    assert root[0].get("tests") == str(len(found))
    assert root[0].get("failures") == "1"


def test_in_junit_a_candidate_that_does_not_pass_is_skipped(tmp_path: Path) -> None:
    case = misleading_summary()
    losing = replace(
        case, cells=(cell(case.case.name, "terse", Verdict.FAIL, [failed("terse", 1, "rose")] * 3),)
    )
    (found,) = junit(evaluation(losing), tmp_path).iter("testcase")
    assert [child.tag for child in found] == ["skipped"]


def test_in_junit_what_was_not_measured_is_an_error(tmp_path: Path) -> None:
    root = junit(evaluation(stale(), unmeasured()), tmp_path)
    kinds = {str(error.get("type")) for error in root.iter("error")}
    assert kinds == {"stale", "error"}


def test_junit_is_well_formed_whatever_a_model_said(tmp_path: Path) -> None:
    assert len(list(junit(evaluation(hostile()), tmp_path).iter("testcase"))) == len(hostile().cells)


def test_in_junit_a_gate_that_fails_is_a_test_case_with_the_headline(tmp_path: Path) -> None:
    found = gated()
    root = junit(found, tmp_path)
    (gate,) = [case for case in root.iter("testcase") if case.get("classname") == "refork"]
    failure = gate.find("failure")
    assert failure is not None
    assert (
        failure.get("message")
        == json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["headline"]
    )


def test_of_several_files_the_one_named_last_wins_and_a_line_says_so(tmp_path: Path) -> None:
    case = misleading_summary()
    first = written(evaluation(case, stale()), tmp_path / "first.json")
    again = replace(
        case, cells=(cell(case.case.name, "careful", Verdict.PASS, [passed("careful", 1, "fell")] * 2),)
    )
    second = written(evaluation(again), tmp_path / "second.json")
    done = run(first, second, "--csv", "--table", "cells", "-o", tmp_path / "out.csv")
    said = f"'careful' of case 'misleading-summary' is in {str(first)!r} and in {str(second)!r}: the latter is taken"
    assert [line for line in done.stderr.splitlines() if "latter" in line] == [f"refork: {said}"]
    rows = pd.read_csv(tmp_path / "out.csv")
    trials = {(row["case"], row["variant"]): row["trials"] for row in rows.to_dict("records")}
    assert trials["misleading-summary", "careful"] == 2
    assert trials["misleading-summary", "current"] == 10
    assert set(rows["case"]) == {"misleading-summary", stale().case.name}


def test_the_results_of_the_last_session_are_taken_where_none_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.refork]\n")
    (tmp_path / "reports/agent-evals").mkdir(parents=True)
    written(evaluation(misleading_summary()), tmp_path / "reports/agent-evals/results.json")
    monkeypatch.chdir(tmp_path)
    assert run("--csv", "-o", "out.csv").exit_code == 0
    assert (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give one of --csv, --parquet, --json and --junit"),
        (("--csv", "--json"), "give one of --csv, --parquet, --json and --junit"),
        (("--junit", "--table", "cells"), "--table does not go with --junit"),
    ],
)
def test_an_export_of_no_kind_or_of_several_is_refused(
    results: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = run(results, *arguments, "-o", tmp_path / "out")
    assert message in str(done.exception or done.output)
    assert not (tmp_path / "out").exists()


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text('{"version": 99}', encoding="utf-8")
    done = run(tmp_path, "--csv", "-o", tmp_path / "out.csv")
    assert done.exit_code != 0
    assert "results.json" in str(done.exception or done.output)
