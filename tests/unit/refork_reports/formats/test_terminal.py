"""The summary fits its terminal and keeps what matters most."""

import dataclasses

import pytest
from refork_evals.results import SuiteResult
from refork_reports.formats import html, markdown
from refork_reports.formats.terminal import MARKUP, Line, summary
from rich.cells import cell_len
from support.report_evaluations import (
    evaluation,
    everything,
    guard,
    hostile,
    misleading_summary,
    realistic,
    stale,
)


def text_of(lines: list[Line]) -> list[str]:
    return ["".join(segment.text for segment in line) for line in lines]


def table_of(lines: list[Line]) -> list[str]:
    """The lines from the heading of the table on."""
    texts = text_of(lines)
    return texts[next(place for place, line in enumerate(texts) if line.split()[:2] == ["case", "variant"]) :]


def many(count: int) -> SuiteResult:
    """So many cases that pass, and a case that fails as the last of them."""
    passing = (
        dataclasses.replace(guard(), case=dataclasses.replace(guard().case, name=f"case-{number}"))
        for number in range(count)
    )
    return evaluation(*passing, misleading_summary())


@pytest.mark.parametrize("width", [*range(40, 131, 7), 200])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_no_line_is_wider_than_the_terminal(width: int, ascii_only: bool) -> None:
    for line in text_of(summary(everything(), width=width, ascii_only=ascii_only)):
        assert cell_len(line) <= width, line


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_headline_stands_first_with_what_belongs_below(width: int) -> None:
    first, *lines = summary(realistic(), width=width)
    assert first[0].text.startswith("✗ Take careful for summarizer and schema-first for analyst")
    assert first[0].style == "fail"
    below = " ".join(" ".join(text_of(lines)).split())
    assert "The current prompts fail 2 of 5 cases; 1 passes" in below
    assert "A fix is better than current by Fisher's exact test, corrected over all cells." in below


def test_at_most_twenty_rows_stand_there_what_fails_first_and_then_how_many_more() -> None:
    lines = table_of(summary(many(30), report="report.html"))
    assert [line.split()[:3] for line in lines[1:3]] == [
        ["misleading-summary", "current", "✗"],
        ["careful", "✓", "pass"],
    ]
    assert lines[21] == "… and 73 rows more, in report.html"
    assert "… and 73 rows more" in table_of(summary(many(30)))


def test_remarks_are_counted_from_the_eleventh_on() -> None:
    stales = [
        dataclasses.replace(stale(), case=dataclasses.replace(stale().case, name=f"stale-{number}"))
        for number in range(12)
    ]
    lines = text_of(summary(evaluation(*stales), report="report.html"))
    assert sum("step 4 was recorded as" in line for line in lines) == 10
    assert "… and 2 more remarks, in report.html" in lines


def test_eighty_columns_hold_every_column() -> None:
    heading, *rows = table_of(summary(realistic()))
    assert heading.split() == ["case", "variant", "verdict", "passes", "interval", "tokens", "cost"]
    assert next(row for row in rows if "careful" in row).split()[-6:] == [
        "pass",
        "(fix)",
        "10/10",
        "72–100%",
        "19.1k",
        "$0.0024",
    ]


def test_a_narrow_terminal_drops_tokens_first_then_cost_and_keeps_the_verdict() -> None:
    headings = [table_of(summary(realistic(), width=width))[0].split() for width in (90, 72, 65, 60)]
    assert [set(headings[0]) - set(found) for found in headings] == [
        set(),
        {"tokens"},
        {"tokens", "cost"},
        {"tokens", "cost"},
    ]


def test_a_name_too_long_for_its_column_loses_its_middle() -> None:
    assert any(line.startswith("mislead…ummary") for line in text_of(summary(realistic(), width=60)))


def test_every_case_and_variant_has_a_row_under_its_case() -> None:
    lines = table_of(summary(evaluation(misleading_summary()), width=100))
    assert [line.split()[:2] for line in lines[1:5]] == [
        ["misleading-summary", "recorded"],
        ["current", "✗"],
        ["careful", "✓"],
        ["terse", "✗"],
    ]


def test_a_guard_is_marked() -> None:
    assert table_of(summary(evaluation(guard()), width=100))[2].startswith("(guard)  ")


def test_verdicts_carry_their_style_and_the_last_line_what_whole_reruns_would_have_taken() -> None:
    lines = summary(realistic(), width=100)
    styles = {segment.style for line in lines for segment in line}
    assert {"pass", "fail", "inconclusive", "error", "stale"} <= styles <= set(MARKUP)
    assert "whole reruns would have taken: " in " ".join(text_of(lines)[-2:])
    assert any(line.startswith("paid now: ") for line in text_of(lines))


def test_a_reason_that_all_variants_share_is_said_once() -> None:
    lines = "\n".join(text_of(summary(evaluation(stale()), width=120)))
    assert lines.count("step 4 was recorded as 'run_sql'") == 1


def test_a_case_that_is_not_red_is_reported() -> None:
    lines = " ".join(text_of(summary(evaluation(hostile()), width=120)))
    assert "is not red: The recorded answer meets" in lines


def test_an_unknown_price_is_said_with_the_model() -> None:
    lines = " ".join(text_of(summary(evaluation(hostile()), width=100)))
    assert "no price known for model 'local<model>'" in lines


def test_plain_terminals_get_ascii_alone() -> None:
    assert all(line.isascii() for line in text_of(summary(everything(), ascii_only=True)))


def test_nothing_in_a_name_can_steer_the_terminal() -> None:
    printed = "".join(text_of(summary(everything(), width=200)))
    assert not set(printed) & {"\x1b", "\x07", "\u202e", "\n", "\r"}


def test_an_evaluation_without_cases_prints_nothing() -> None:
    assert summary(evaluation()) == []


def test_what_a_variant_changes_before_the_fork_point_is_said_in_words() -> None:
    found = misleading_summary()
    changed = dataclasses.replace(found.cells[2], changes='with step 5 = {"rows": []}')
    result = dataclasses.replace(found, cells=(*found.cells[:2], changed))
    lines = text_of(summary(evaluation(result), width=100))
    assert 'misleading-summary (terse): with step 5 = {"rows": []}' in lines
    assert "terse with step 5 = " in markdown.render(evaluation(result))
    assert "with step 5 = " in html.render(evaluation(result))
