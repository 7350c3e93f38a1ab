"""What contains, not_contains, equals and regex pass and fail, and what they say of it."""

from typing import Any

import pytest
from support.evals_builders import answer, score


@pytest.mark.parametrize(
    ("params", "text", "passes"),
    [
        pytest.param("12%", "fell by 12% in May", True, id="text-occurs"),
        pytest.param("12%", "fell by 11% in May", False, id="text-does-not-occur"),
        pytest.param("Fell", "it fell", False, id="case-counts"),
        pytest.param({"text": "Fell", "ignore_case": True}, "it fEll", True, id="case-ignored"),
        pytest.param(
            {"text": "STRASSE", "ignore_case": True}, "Straße 1", True, id="case-ignored-beyond-ascii"
        ),
        pytest.param("a", "", False, id="empty-answer"),
    ],
)
def test_contains_looks_for_a_text_and_not_contains_for_its_absence(
    params: Any, text: str, passes: bool
) -> None:
    assert score({"contains": params}, text).passed is passes
    assert score({"not_contains": params}, text).passed is not passes


@pytest.mark.parametrize(
    ("params", "text", "passes"),
    [
        pytest.param("fell", "fell", True, id="same"),
        pytest.param("fell", "  fell\n", True, id="outer-white-space"),
        pytest.param("fell", "fell.", False, id="more-than-it"),
        pytest.param("fell", "Fell", False, id="case-counts"),
        pytest.param({"value": "fell", "ignore_case": True}, "FELL", True, id="case-ignored"),
        pytest.param(12, "12", True, id="number-as-json"),
        pytest.param(12, "12.0", True, id="integer-equals-float"),
        pytest.param("12", "12.0", False, id="text-is-not-a-number"),
        pytest.param(1, "true", False, id="one-is-not-true"),
        pytest.param(None, "null", True, id="null"),
        pytest.param({"value": {"a": [1, {"b": 2}]}}, '{"a": [1, {"b": 2.0}]}', True, id="object"),
        pytest.param({"value": {"a": 1}}, '```json\n{"a": 1}\n```', True, id="object-in-a-fence"),
        pytest.param({"value": {"a": 1}}, '{"a": 1, "b": 2}', False, id="object-with-more"),
        pytest.param({"value": {"a": 1}}, "{", False, id="not-json"),
        pytest.param({"value": [1]}, "[" * 100_000, False, id="json-nested-too-deeply"),
    ],
)
def test_equals_takes_the_whole_value_and_nothing_else(params: Any, text: str, passes: bool) -> None:
    assert score({"equals": params}, text).passed is passes


@pytest.mark.parametrize(
    ("params", "text", "passes"),
    [
        pytest.param("fell|declin", "it declined", True, id="found"),
        pytest.param("^fell$", "it fell", False, id="anchored"),
        pytest.param("(?m)^fell$", "it\nfell", True, id="inline-flag"),
        pytest.param({"pattern": "FELL", "ignore_case": True}, "fell", True, id="case-ignored"),
        pytest.param("[[a]", "[", True, id="pattern-that-python-warns-of"),
    ],
)
def test_regex_searches_the_text(params: Any, text: str, passes: bool) -> None:
    assert score({"regex": params}, text).passed is passes


def test_regex_searches_no_more_than_the_first_hundred_thousand_characters() -> None:
    assert score({"regex": "b"}, "a" * 99_999 + "b").passed is True
    assert score({"regex": "b"}, "a" * 100_000 + "b").passed is False


@pytest.mark.parametrize(
    ("expectation", "text", "reason"),
    [
        pytest.param({"contains": "fell"}, "it rose", "does not contain 'fell': 'it rose'", id="contains"),
        pytest.param({"not_contains": "rose"}, "it rose", "contains 'rose': 'it rose'", id="not_contains"),
        pytest.param({"equals": "it fell"}, "it rose", "is 'it rose', not 'it fell'", id="equals"),
        pytest.param({"equals": 12}, "13", "is '13', not '12'", id="equals-json"),
        pytest.param({"equals": {"value": [1]}}, "{", "is not JSON", id="equals-no-json"),
        pytest.param({"regex": "f.ll"}, "it rose", "does not match 'f.ll': 'it rose'", id="regex"),
    ],
)
def test_a_failure_quotes_the_evidence(expectation: dict[str, Any], text: str, reason: str) -> None:
    assert score(expectation, text).reason.startswith(reason)


def test_a_reason_is_one_short_line_without_control_characters_whatever_the_model_wrote() -> None:
    hostile = "\x1b[31m\r\nred\u202e\x00" + "x" * 10_000
    for expectation in ({"contains": "fell"}, {"not_contains": "red"}, {"equals": "fell"}, {"regex": "fell"}):
        reason = score(expectation, hostile).reason
        assert reason.isprintable()
        assert len(reason) < 250
        assert "…" in reason


def test_the_evidence_is_the_part_of_a_long_text_that_decided() -> None:
    found = score({"not_contains": "rose"}, "a" * 5000 + " rose " + "b" * 5000)
    assert "a rose b" in found.reason
    differs = score({"equals": "a" * 5000 + "x" + "b" * 5000}, "a" * 5000 + "y" + "b" * 5000)
    assert "ayb" in differs.reason


QUERIES = answer(
    "done", ("run_sql", {"query": "SELECT 1"}), ("run_sql", {"query": "SELECT 2"}), ("plot", "{bad")
)


@pytest.mark.parametrize(
    ("params", "passes", "reason"),
    [
        pytest.param({"text": "done"}, True, "contains", id="the-text-by-default"),
        pytest.param({"text": "done", "from": "text"}, True, "contains", id="the-text"),
        pytest.param(
            {"text": "SELECT", "from": {"tool": "run_sql", "argument": "query"}},
            True,
            "run_sql.query: contains",
            id="each-call-of-a-tool",
        ),
        pytest.param(
            {"text": "SELECT 1", "from": {"tool": "run_sql", "argument": "query"}},
            False,
            "run_sql.query: does not contain 'SELECT 1': 'SELECT 2'",
            id="one-call-of-several-differs",
        ),
        pytest.param(
            {"text": '"query"', "from": {"tool": "run_sql"}},
            True,
            "run_sql: contains",
            id="all-arguments-as-json",
        ),
        pytest.param(
            {"text": "x", "from": {"tool": "run_sql", "argument": "sql"}},
            False,
            "'run_sql' has no argument 'sql'",
            id="no-such-argument",
        ),
        pytest.param(
            {"text": "x", "from": {"tool": "plot", "argument": "sql"}},
            False,
            "arguments of 'plot' are not a JSON object: '{bad'",
            id="arguments-that-do-not-parse",
        ),
        pytest.param(
            {"text": "x", "from": {"tool": "send"}},
            False,
            "no call of 'send'; called 'run_sql', 'plot'",
            id="no-such-call",
        ),
        pytest.param(
            {"text": "x", "from": "structured"}, False, "no structured answer: 'done'", id="no-structure"
        ),
    ],
)
def test_from_says_which_part_of_the_answer_is_looked_at(
    params: dict[str, Any], passes: bool, reason: str
) -> None:
    found = score({"contains": params}, QUERIES)
    assert found.passed is passes
    assert found.reason.startswith(reason)


def test_a_scorer_of_the_absent_fails_even_when_it_forbids_a_text() -> None:
    found = score({"not_contains": {"text": "x", "from": {"tool": "send"}}}, QUERIES)
    assert found.passed is False


def test_a_structured_answer_is_searched_as_json() -> None:
    given = answer("{}", structured={"direction": "fell"})
    assert score({"contains": {"text": '"fell"', "from": "structured"}}, given).passed is True
    assert score({"equals": {"value": {"direction": "fell"}, "from": "structured"}}, given).passed is True
