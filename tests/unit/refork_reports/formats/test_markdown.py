"""What a reviewer of a pull request reads: short, whole, and nothing but text."""

import dataclasses
import re

import pytest
from refork_evals.results import Change, Comparison, Verdict
from refork_reports.formats.markdown import LIMIT, plain, render
from support.gated import gated
from support.report_evaluations import HOSTILE, evaluation, everything, realistic


def test_the_verdict_stands_first_then_what_blocks_then_the_table() -> None:
    text = render(gated())
    lines = [line for line in text.splitlines() if line]
    assert lines[0] == "## Agent evals"
    assert lines[1].startswith("❌ **The gate FAILS")
    assert "the suite dropped" in lines[2]
    assert "regressed" in lines[3]
    assert "pytest --agent-evals --agent-evals-gate" in lines[3]
    assert any(
        line.startswith("| misleading-summary | current | ❌ fail |") and "| 29/30 |" in line
        for line in lines
    )
    assert "this branch changes the baseline" in text


def test_a_gate_that_passes_says_so_and_what_it_could_have_found() -> None:
    text = render(gated(passes=True))
    assert "✅ **The gate passes" in text
    assert "is found in 90% of gates" in text


def test_without_a_gate_the_headline_stands_first_and_candidates_are_compared() -> None:
    text = render(dataclasses.replace(gated(), gate=None))
    assert text.splitlines()[2].startswith("❌ **Take careful for summarizer")
    assert re.search(r"- \*\*careful beside current&#58; (improved|trade-off|inconclusive)", text)


def test_what_was_paid_and_what_whole_reruns_would_have_taken_stand_last() -> None:
    *_, paid, _, whole = render(realistic()).strip().splitlines()
    assert plain("paid now: 102 answers, 194k tokens, $0.024") in paid
    assert plain("105 whole reruns would have taken: 813k tokens, $0.14, one after another 14 min;") in whole


@pytest.mark.parametrize("made", [realistic(), everything(), evaluation(), gated(hostile=True)])
def test_whatever_a_model_said_is_text(made: object) -> None:
    text = render(made)  # type: ignore[arg-type]
    assert "<script" not in text
    assert "\x1b" not in text
    assert not re.search(r"(?<![&\w])@\w", text)
    assert HOSTILE not in text


@pytest.mark.parametrize(
    "text",
    [
        "a | b",
        "`code`",
        "@someone",
        "#12",
        "<b>",
        "[l](http://x)",
        "**b**",
        "~~s~~",
        "![i](x)",
        "$m$",
        ":+1:",
    ],
)
def test_nothing_keeps_a_meaning_in_markdown(text: str) -> None:
    assert not set("|`@<>[]*~$:") & set(plain(text).replace("&#", "").replace(";", ""))
    assert "#" not in plain(text).replace("&#", "")


def test_it_stays_under_60_kb_whatever_the_size_of_the_suite_and_says_what_it_left_out() -> None:
    made = gated()
    assert made.gate is not None
    many = tuple(
        dataclasses.replace(result, case=dataclasses.replace(result.case, name=f"{result.case.name}-{n}"))
        for n in range(400)
        for result in made.cases
    )
    gate = dataclasses.replace(
        made.gate, cases=tuple(dataclasses.replace(made.gate.cases[0], said="x" * 900) for _ in range(500))
    )
    text = render(dataclasses.replace(made, cases=many, gate=gate))
    assert len(text.encode()) < LIMIT
    assert re.search(r"\d+ rows more in report.html", text)
    assert re.search(r"\d+ notes more in report.html", text)
    assert "✅ pass" not in text  # what needs a look comes first, and there was no room for more


def test_a_case_that_held_says_in_its_row_what_is_ruled_out() -> None:
    compared = Comparison(change=Change.UNCHANGED, passes_before=28, trials_before=30, margin=0.45)
    first, *others = realistic().cases
    held = dataclasses.replace(first.cells[0], verdict=Verdict.HELD, comparison=compared)
    text = render(
        dataclasses.replace(realistic(), cases=(dataclasses.replace(first, cells=(held,)), *others))
    )
    assert "✅ held" in text
    assert "28/30: no drop of more than 45 points" in text
