"""What stands under a variant's name in the report, and in results.json."""

import json
from dataclasses import replace

import pytest
from refork_evals.results import Cell, Method, Score, ScoredTrial, Verdict
from refork_reports.formats.html import render
from refork_reports.results_json import dumps
from refork_reports.sentences.statistics.estimates import estimates
from support.report_evaluations import cell, evaluation, failed, misleading_summary, mixed


def with_number(scored: ScoredTrial, value: float) -> ScoredTrial:
    own = Score(scorer="closeness", passed=scored.passed, value=value, reason="near enough")
    return replace(scored, scores=(*scored.scores, own))


def numbered(passes: int = 4) -> Cell:
    trials = [with_number(scored, number / 10) for number, scored in enumerate(mixed("current", passes))]
    return cell("misleading-summary", "current", Verdict.FAIL, trials)


def told(made: Cell) -> dict[str, str]:
    return {each.name: f"{each.text} {each.within}".strip() for each in estimates(made)}


def test_each_scorer_and_each_k_is_told_in_a_few_characters() -> None:
    assert told(numbered()) == {
        "not_contains": "4/10 17–69%",
        "regex": "4/10 17–69%",
        "closeness": "4/10 17–69%, mean 0.45 (0.2334 to 0.6666)",
        "pass@3": "83%",
        "pass^3": "3%",
        "pass@5": "98%",
        "pass^5": "0%",
    }


@pytest.mark.parametrize("method", [Method.SEQUENTIAL, Method.BASELINE])
def test_where_trials_stopped_on_what_they_showed_each_k_is_about_so_much(method: Method) -> None:
    figures = {each.name: each for each in estimates(replace(numbered(), method=method))}
    assert figures["pass^3"].text == "≈3%"
    assert figures["pass^3"].note.endswith("stopped on what they showed: up to 14 points too high or too low")
    assert figures["regex"].text == "4/10"


def test_what_would_only_repeat_the_pass_rate_is_left_out() -> None:
    trials = [replace(each, scores=each.scores[:1]) for each in mixed("current", 10)]
    assert estimates(cell("x", "current", Verdict.PASS, trials)) == ()


def test_two_scorers_of_a_name_are_told_apart() -> None:
    twice = [failed("current", n, "x", scores=(Score(scorer="regex", passed=False),) * 2) for n in (1, 2)]
    assert list(told(cell("x", "current", Verdict.FAIL, twice))) == ["regex (expect[0])", "regex (expect[1])"]


def test_errors_of_a_scorer_stand_beside_its_rate() -> None:
    broke = (Score(scorer="judge", passed=None, error="timeout"), Score(scorer="regex", passed=True))
    trials = [replace(failed("current", 1, "x", scores=broke), passed=None), *mixed("current", 1, 2)]
    assert told(cell("x", "current", Verdict.INCONCLUSIVE, trials))["judge"] == "1/2 9–91%, 1 error"


def test_the_page_shows_them_and_escapes_the_names_of_scorers() -> None:
    hostile = [
        replace(each, scores=(*each.scores, Score(scorer="<blink>\x1b", passed=True)))
        for each in numbered().trials
    ]
    page = render(
        evaluation(replace(misleading_summary(), cells=(replace(numbered(), trials=tuple(hostile)),)))
    )
    assert "pass@3" in page
    assert "mean 0.45 (0.2334 to 0.6666)" in page
    assert "<blink>" not in page
    assert "&lt;blink&gt;" in page


def test_results_json_holds_them_in_full() -> None:
    written = json.loads(dumps(evaluation(replace(misleading_summary(), cells=(numbered(),)))))
    found = written["cases"][0]["cells"][0]
    assert [each["k"] for each in found["at_k"]] == [1, 3, 5]
    assert found["at_k"][1]["pass_hat_k"] == 4 / 120
    assert found["scorers"][2]["mean"] == {
        "count": 10, "value": 0.45, "low": found["scorers"][2]["mean"]["low"],
        "high": found["scorers"][2]["mean"]["high"], "method": "Student", "note": "",
    }  # fmt: skip
