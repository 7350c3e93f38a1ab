"""Which tool calls tool_called and tool_not_called find."""

from typing import Any

import pytest
from pydantic import ValidationError
from refork_evals.scorers.registry import parse_scorer
from support.evals_builders import answer, score

GIVEN = answer(
    "",
    ("run_sql", {"query": "SELECT a FROM sales GROUP BY a", "limit": 10}),
    ("run_sql", {"query": "SELECT 1", "limit": 20}),
    (
        "plot",
        {"axes": [{"name": "x", "log": False}, {"name": "y", "log": True}], "options": {"size": {"w": 3}}},
    ),
    ("broken", '{"a": '),
)


@pytest.mark.parametrize(
    ("params", "passes"),
    [
        pytest.param("run_sql", True, id="by-name"),
        pytest.param("send_mail", False, id="another-tool"),
        pytest.param({"name": "run_sql", "arguments": {"limit": 20}}, True, id="by-value-in-any-call"),
        pytest.param({"name": "run_sql", "arguments": {"limit": 30}}, False, id="in-no-call"),
        pytest.param({"name": "run_sql", "arguments": {"limit": True}}, False, id="true-is-no-number"),
        pytest.param(
            {"name": "run_sql", "arguments": {"offset": 1}}, False, id="an-argument-that-is-not-there"
        ),
        pytest.param(
            {"name": "run_sql", "arguments": {"query": {"contains": "GROUP BY"}}}, True, id="by-a-scorer"
        ),
        pytest.param({"name": "run_sql", "arguments": {"limit": {"number": 10}}}, True, id="by-a-number"),
        pytest.param(
            {"name": "run_sql", "arguments": {"query": {"contains": "GROUP"}, "limit": 20}},
            False,
            id="each-in-another-call",
        ),
        pytest.param(
            {
                "name": "run_sql",
                "arguments": {"query": {"any": [{"contains": "HAVING"}, {"regex": "^SELECT"}]}},
            },
            True,
            id="by-any-of-several",
        ),
        pytest.param(
            {
                "name": "run_sql",
                "arguments": {"query": {"all": [{"contains": "SELECT"}, {"contains": "HAVING"}]}},
            },
            False,
            id="by-all-of-several",
        ),
        pytest.param(
            {"name": "run_sql", "arguments": {"query": {"not": {"contains": "SELECT"}}}},
            False,
            id="by-a-negation",
        ),
        pytest.param(
            {"name": "run_sql", "arguments": {"query": {"sql": {"dialect": "duckdb"}}}}, True, id="by-sql"
        ),
        pytest.param(
            {"name": "plot", "arguments": {"options": {"size": {"w": {"number": 3}}}}},
            True,
            id="nested-objects",
        ),
        pytest.param(
            {"name": "plot", "arguments": {"options": {"size": {"h": 3}}}}, False, id="a-nested-absence"
        ),
        pytest.param(
            {"name": "plot", "arguments": {"axes": [{"name": "x"}, {"log": True}]}},
            True,
            id="items-of-a-list",
        ),
        pytest.param({"name": "plot", "arguments": {"axes": [{"name": "x"}]}}, False, id="a-shorter-list"),
        pytest.param(
            {"name": "plot", "arguments": {"axes": {"equals": {"value": []}}}}, False, id="equals-a-list"
        ),
        pytest.param("broken", True, id="arguments-that-do-not-parse"),
        pytest.param(
            {"name": "broken", "arguments": {"a": 1}}, False, id="arguments-that-do-not-parse-are-none"
        ),
    ],
)
def test_a_call_is_found_by_its_name_and_arguments(params: Any, passes: bool) -> None:
    assert score({"tool_called": params}, GIVEN).passed is passes
    assert score({"tool_not_called": params}, GIVEN).passed is not passes


@pytest.mark.parametrize(
    ("count", "passes"),
    [
        ({"times": 2}, True),
        ({"times": 1}, False),
        ({"times": 3}, False),
        ({"at_least": 2}, True),
        ({"at_least": 3}, False),
    ],
    ids=str,
)
def test_calls_are_counted(count: dict[str, int], passes: bool) -> None:
    found = score({"tool_called": {"name": "run_sql", **count}}, GIVEN)
    assert found.passed is passes
    assert found.value == 2


@pytest.mark.parametrize(
    ("expectation", "reason"),
    [
        pytest.param(
            {"tool_called": "send_mail"},
            "no call of 'send_mail'; called 'run_sql', 'plot', 'broken'",
            id="no-call",
        ),
        pytest.param(
            {"tool_called": {"name": "run_sql", "arguments": {"limit": 30}}},
            "'run_sql' was called with other arguments: limit is '10', not '30'",
            id="by-value",
        ),
        pytest.param(
            {"tool_called": {"name": "run_sql", "arguments": {"query": {"contains": "HAVING"}}}},
            "'run_sql' was called with other arguments: query does not contain 'HAVING': 'SELECT a FROM",
            id="by-scorer",
        ),
        pytest.param(
            {"tool_called": {"name": "plot", "arguments": {"axes": [{"name": "x"}, {"name": "z"}]}}},
            "'plot' was called with other arguments: axes [1] name is 'y', not 'z'",
            id="nested",
        ),
        pytest.param(
            {"tool_called": {"name": "run_sql", "times": 1}},
            "'run_sql' was called 2 of exactly 1 times run_sql(",
            id="too-often",
        ),
        pytest.param(
            {"tool_called": {"name": "run_sql", "arguments": {"limit": 10}, "at_least": 2}},
            "'run_sql' was called 1 of at least 2 times with other arguments: limit is '20', not '10'",
            id="too-seldom",
        ),
        pytest.param({"tool_not_called": "plot"}, "was called: plot('{", id="a-forbidden-call"),
    ],
)
def test_a_failure_says_what_was_called_instead(expectation: dict[str, Any], reason: str) -> None:
    found = score(expectation, GIVEN)
    assert found.passed is False
    assert found.reason.startswith(reason)


def test_without_any_call_the_failure_quotes_what_was_said() -> None:
    assert score({"tool_called": "plot"}, "Done!").reason == (
        "no call of 'plot'; no tool was called, it said 'Done!'"
    )


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        pytest.param({"name": "a", "times": 1, "at_least": 1}, "keep one", id="two-counts"),
        pytest.param({"name": "a", "times": 0}, "greater than or equal to 1", id="never-is-tool-not-called"),
        pytest.param(
            {"name": "a", "arguments": {"b": {"regex": "("}}},
            "is not a regular expression",
            id="a-bad-pattern",
        ),
        pytest.param(
            {"name": "a", "arguments": {"b": {"any": [{"judge": "x"}]}}}, "whole answers", id="a-judge"
        ),
        pytest.param(
            {"name": "a", "arguments": {"b": {"contains": {"text": "x", "from": "structured"}}}},
            "which means nothing here",
            id="a-place-within-a-place",
        ),
        pytest.param(
            {"name": "a", "arguments": [1]}, "a mapping of names to values", id="arguments-as-a-list"
        ),
        pytest.param({"name": ""}, "at least 1 character", id="an-empty-name"),
    ],
)
def test_bad_parameters_are_refused_when_the_case_is_read(params: Any, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        parse_scorer({"tool_called": params})
