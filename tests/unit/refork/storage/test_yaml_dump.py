"""What is written as YAML reads back as what it was."""

from typing import Any

import pytest
import yaml
from refork.storage.yaml_dump import yaml_block, yaml_line
from refork.storage.yaml_text import parse_yaml

SAME = [1, 2]


@pytest.mark.parametrize(
    "text",
    [
        "1e3",
        "0o17",
        "012",
        "1_000",
        "yes",
        "No",
        "null",
        "~",
        "",
        " a ",
        "a: b",
        "# x",
        "é\n\t'\"",
        "2026-01-01",
    ],
)
def test_texts_stay_texts_in_both_versions_of_yaml(text: str) -> None:
    value = {"expect": [{"contains": text}]}
    for written in (yaml_block(value), yaml_line(value)):
        assert parse_yaml(written, path="x").data == value
        assert yaml.safe_load(written) == value


@pytest.mark.parametrize("value", [{"a": [SAME, SAME]}, {"a": {"b": 1.5, "c": None, "d": True}, "e": []}])
def test_other_values_stay_what_they_are(value: Any) -> None:
    assert parse_yaml(yaml_block(value), path="x").data == value


def test_one_entry_is_written_in_a_line_as_a_person_would() -> None:
    assert (
        yaml_line({"tool_called": {"name": "run_sql", "times": 1}})
        == "tool_called: {name: run_sql, times: 1}"
    )
