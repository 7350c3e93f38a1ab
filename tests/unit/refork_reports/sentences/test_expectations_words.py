"""An expectation stands on one line, as case.yaml has it."""

from typing import Any

import pytest
from refork_reports.sentences.expectations import short


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({"valid_sql": None}, "valid_sql"),
        ({"contains": "12%"}, "contains: 12%"),
        (
            {"not_contains": {"text": "increased", "ignore_case": True}},
            "not_contains: {text: increased, ignore_case: true}",
        ),
        ({"any_of": [{"contains": "a"}, {"equals": None}]}, "any_of: [{contains: a}, {equals: null}]"),
        ({"contains": "two\nlines"}, "contains: two lines"),
    ],
)
def test_an_expectation_is_one_line(entry: dict[str, Any], text: str) -> None:
    assert short(entry) == text


def test_a_long_one_is_shortened() -> None:
    assert len(short({"judge": "x" * 500})) <= 60
