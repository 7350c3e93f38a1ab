"""The words that a scorer of text decided by are found as they stand in the answer."""

from typing import Any

import pytest
from refork.records import Answer, ToolCall
from refork_evals.scorers.decisive_words import DecisiveWords, WordFinder
from support.report_evaluations import case


def found(*expect: Any, answer: Answer) -> tuple[DecisiveWords, ...]:
    return WordFinder(case("a", expect=expect))(answer)


def said(text: str) -> Answer:
    return Answer(text=text)


def test_a_text_that_must_not_occur_is_found_in_each_of_its_spellings() -> None:
    entry = {"not_contains": {"text": "increased", "ignore_case": True}}
    assert found(entry, answer=said("Increased, and increased again")) == (
        DecisiveWords(text="Increased", scorer="not_contains", passes=False),
        DecisiveWords(text="increased", scorer="not_contains", passes=False),
    )


def test_what_a_pattern_matches_makes_it_pass() -> None:
    words = found({"regex": "fell by [0-9]+%"}, answer=said("It fell by 12% in March."))
    assert words == (DecisiveWords(text="fell by 12%", scorer="regex", passes=True),)


def test_what_is_not_there_is_not_found() -> None:
    assert found({"contains": "fell"}, {"regex": "x?"}, answer=said("It rose.")) == ()


@pytest.mark.parametrize("around", ["all", "any"])
def test_a_scorer_within_others_is_found(around: str) -> None:
    words = found({around: [{"contains": "fell"}]}, answer=said("It fell."))
    assert [each.text for each in words] == ["fell"]


def test_a_scorer_that_is_turned_round_marks_nothing() -> None:
    assert found({"not": {"contains": "fell"}}, answer=said("It fell.")) == ()


def test_words_of_a_tools_arguments_name_the_tool() -> None:
    entry = {"contains": {"text": "GROUP BY", "from": {"tool": "run_sql", "argument": "query"}}}
    answer = Answer(tool_calls=(ToolCall(name="run_sql", arguments={"query": "SELECT 1 GROUP BY x"}),))
    assert found(entry, answer=answer) == (
        DecisiveWords(text="GROUP BY", scorer="contains", passes=True, tool="run_sql"),
    )
    assert found(entry, answer=said("no call")) == ()


def test_an_expectation_that_cannot_be_read_marks_nothing() -> None:
    expect = (
        {"contains": 7, "regex": "x"},
        {"regex": "("},
        {"all": [{"no such scorer": 1}]},
        {"contains": "fell"},
    )
    assert [each.text for each in found(*expect, answer=said("It fell."))] == ["fell"]


def test_a_pattern_that_takes_too_long_marks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refork_evals.scorers.time_limits.PATTERN_SECONDS", 0.01)
    assert found({"regex": "(a|aa)+$"}, answer=said("a" * 60 + "b")) == ()
