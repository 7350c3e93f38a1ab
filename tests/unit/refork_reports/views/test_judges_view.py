"""What the report and ``results.json`` say of a case's judge, beside the labels of a person."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from refork_evals.agreement.labels import Label, save_labels
from refork_evals.agreement.rubrics import rubrics
from refork_evals.digests import output_digest
from refork_evals.results import CaseResult, Judged, Score, Verdict
from refork_reports.formats.html import render, write
from refork_reports.results_json import dumps, read
from refork_reports.views.judges import JudgeView, judge_views
from support.report_browser import CHROMIUM, Browser, browser, need
from support.report_evaluations import HOSTILE, case, cell, evaluation, failed, passed

RUBRIC = "Says that revenue fell."


def score(ok: bool, model: str = "judge-2026-01-31") -> Score:
    judged = Judged(asked="judge", answered=(model,))
    return Score(scorer="judge", passed=ok, reason="It says so.", judged=judged)


def judged(folder: Path, person: str, judge: str, *, rubric: Any = RUBRIC, models: int = 1) -> CaseResult:
    """A case whose output ``n`` the person and the judge say + or - of; a blank is an output without a label."""
    expect = ({"judge": rubric},)
    trials = [
        replace(
            (passed if mark == "+" else failed)("current", n, f"Output {n}"),
            scores=(score(mark == "+", f"judge-{n % models}"),),
        )
        for n, mark in enumerate(judge, 1)
    ]
    made = replace(case("fell", expect=expect), folder=folder)
    (known,) = rubrics(made)
    labels = [
        Label(rubric=known.digest, output=output_digest(trial.trial.answer), passes=mark == "+")
        for trial, mark in zip(trials, person, strict=True)
        if mark.strip() and trial.trial.answer is not None
    ]
    if labels:
        save_labels(folder, labels)
    return CaseResult(case=made, recorded=None, cells=(cell("fell", "current", Verdict.PASS, trials),))


def view(result: CaseResult) -> JudgeView:
    (found,) = judge_views(result)
    return found


def told(result: CaseResult) -> dict[str, str]:
    return {each.name: f"{each.text} {each.within}".strip() for each in view(result).figures}


def test_agreement_and_both_ways_to_be_wrong_are_told(tmp_path: Path) -> None:
    result = judged(tmp_path, "+" * 15 + "-" * 10, "+" * 14 + "-" + "+" * 2 + "-" * 8)
    assert view(result).says == "Agrees with a person on 22 of 25 labelled outputs"
    found = told(result)
    assert found["kappa"].startswith("0.75 0.")
    assert found["false passes"] == "2/10 6–51%"
    assert found["false fails"] == "1/15 1–30%"
    assert view(result).warning == ""


def test_too_few_labels_are_said(tmp_path: Path) -> None:
    result = judged(tmp_path, "++--  ", "++-+--")
    assert view(result).says == "Agrees with a person on 3 of 4 labelled outputs"
    assert view(result).warning == "Too few labelled outputs to lean on: 4, of at least 20"


def test_labels_of_one_kind_have_no_kappa_and_say_why(tmp_path: Path) -> None:
    found = told(judged(tmp_path, "+" * 20, "+" * 20))
    assert found["kappa"] == "– every label says pass: kappa needs outputs of both kinds"
    assert found["false passes"] == "0/0"


def test_without_labels_it_says_how_to_get_them(tmp_path: Path) -> None:
    found = view(judged(tmp_path, "   ", "++-"))
    assert (found.says, found.figures) == ("Not checked against a person: refork label fell", ())


def test_labels_of_older_outputs_are_no_agreement(tmp_path: Path) -> None:
    judged(tmp_path, "++", "++")
    (file,) = tmp_path.iterdir()
    labels = file.read_text()
    other = judged(tmp_path, "  ", "++")
    trials = [replace(each, trial=replace(each.trial, answer=None)) for each in other.cells[0].trials]
    other = replace(other, cells=(replace(other.cells[0], trials=tuple(trials)),))
    assert file.read_text() == labels
    assert view(other).says == "None of 2 labels is of an output of this session: refork label fell"


def test_a_damaged_file_of_labels_is_said_and_spoils_no_report(tmp_path: Path) -> None:
    result = judged(tmp_path, "++", "++")
    (tmp_path / "labels.jsonl").write_text("<<<<<<< HEAD\n")
    assert "labels.jsonl', line 1: is damaged or truncated" in view(result).warning
    assert "is damaged or truncated" in render(evaluation(result))
    (entry,) = json.loads(dumps(evaluation(result)))["cases"][0]["judges"]
    assert "line 1: is damaged" in entry["problem"]


def test_the_model_that_answered_stands_beside_the_one_that_was_asked_for(tmp_path: Path) -> None:
    assert view(judged(tmp_path, "  ", "++")).models == "judge, answered by judge-0"


def test_answers_of_different_models_are_a_warning(tmp_path: Path) -> None:
    found = view(judged(tmp_path, "   ", "+++", models=2))
    assert found.warning == "Answered by different models, judge-0 (1) and judge-1 (2): pin one"


def test_a_judge_that_contradicts_itself_is_a_warning(tmp_path: Path) -> None:
    result = judged(tmp_path, "  ", "+-")
    trials = [
        replace(each, trial=replace(each.trial, answer=result.cells[0].trials[0].trial.answer))
        for each in result.cells[0].trials
    ]
    result = replace(result, cells=(replace(result.cells[0], trials=tuple(trials)),))
    assert view(result).warning == "It said both pass and fail of 1 output that several trials gave"


def test_a_case_without_a_judge_says_nothing_of_judges() -> None:
    result = CaseResult(case=case("x"), recorded=None, cells=())
    assert judge_views(result) == ()
    assert "<h4>Judge" not in render(evaluation(result))


def test_results_json_holds_it_and_reads_back(tmp_path: Path) -> None:
    result = judged(tmp_path, "+" * 15 + "-" * 10, "+" * 14 + "-" + "+" * 2 + "-" * 8)
    file = tmp_path / "results.json"
    file.write_text(dumps(evaluation(result)), encoding="utf-8")
    (found,) = read(file).cases[0].judges
    assert (found.rubric, found.labels, found.asked) == (RUBRIC, 25, {"judge": 25})
    assert (found.agreement.false_passes, found.agreement.false_fails) == (2, 1)
    assert found.agreement.kappa.value == pytest.approx(0.7458, abs=0.0001)
    assert found.agreement.kappa.low is not None
    (one, *_) = read(file).cases[0].cells[0].trials
    assert one.scores[0].judge is not None
    assert one.scores[0].judge.answered == ("judge-0",)


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    with browser(need(CHROMIUM)) as opened:
        yield opened


@pytest.mark.parametrize("width", [320, 1280])
def test_the_page_takes_any_rubric_and_never_scrolls_sideways(
    tab: Browser, tmp_path: Path, width: int
) -> None:
    made = judged(tmp_path, "++--", "++-+", rubric=HOSTILE.replace("\ud800", ""))
    page = write(evaluation(made), tmp_path / "report")
    tab.open(page, width=width)
    tab.evaluate("document.querySelectorAll('details').forEach((item) => { item.open = true })")
    assert tab.complaints == []
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert "false passes" in tab.evaluate("document.querySelector('.judge').innerText")
