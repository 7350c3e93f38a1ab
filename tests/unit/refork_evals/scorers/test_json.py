"""What json_schema and json_path pass and fail."""

import socket
from typing import Any

import pytest
from pydantic import ValidationError
from refork_evals.scorers.registry import parse_scorer
from support.evals_builders import answer, directly, score

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["total"],
    "properties": {"total": {"$ref": "#/$defs/amount"}},
    "$defs": {"amount": {"type": "number", "minimum": 0}},
}


@pytest.mark.parametrize(
    ("text", "passes", "reason"),
    [
        pytest.param('{"total": 3}', True, "is valid", id="valid"),
        pytest.param('Here:\n```json\n{"total": 3}\n```\n', True, "is valid", id="in-a-fence"),
        pytest.param('{"total": -3}', False, "$.total: -3 is less than the minimum of 0", id="a-bad-value"),
        pytest.param("{}", False, "$: 'total' is a required property", id="a-missing-key"),
        pytest.param('{"total": NaN}', False, "is not JSON (NaN is not a JSON value)", id="nan"),
        pytest.param("total: 3", False, "is not JSON (Expecting value): 'total: 3'", id="no-json"),
    ],
)
def test_json_schema_validates_the_json_of_the_text(text: str, passes: bool, reason: str) -> None:
    found = score({"json_schema": {"schema": SCHEMA}}, text)
    assert found.passed is passes
    assert found.reason.startswith(reason)


def test_json_schema_validates_the_arguments_of_a_call() -> None:
    place = {"tool": "pay", "argument": "bill"}
    expectation = {"json_schema": {"schema": SCHEMA, "from": place}}
    assert score(expectation, answer("", ("pay", {"bill": {"total": 1}}))).passed is True
    assert score(expectation, answer("", ("pay", {"bill": {}}))).passed is False


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        pytest.param({"type": "objec"}, "is not a JSON Schema", id="an-unknown-type"),
        pytest.param({"$ref": "https://example.com/a.json"}, "nothing is fetched", id="a-remote-reference"),
        pytest.param({"$ref": "file:///etc/passwd"}, "nothing is fetched", id="a-file"),
        pytest.param({"properties": {"a": {"$ref": "other.json"}}}, "nothing is fetched", id="a-nested-file"),
        pytest.param({"$ref": "#/$defs/missing"}, "which is not in the schema", id="a-dangling-reference"),
    ],
)
def test_a_bad_schema_is_refused_when_the_case_is_read(schema: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        parse_scorer({"json_schema": {"schema": schema}})


def test_a_schema_fetches_nothing_by_a_base_that_it_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    schema = {"$id": "http://127.0.0.1:9/base.json", "$ref": "#/$defs/a", "$defs": {"a": {"type": "integer"}}}
    assert directly({"json_schema": {"schema": schema}}, "1").passed is True
    assert directly({"json_schema": {"schema": schema}}, "[]").passed is False


def test_a_schema_that_never_ends_is_an_error_of_the_trial() -> None:
    found = score({"json_schema": {"schema": {"$ref": "#"}}}, "1")
    assert found.passed is None
    assert "RecursionError" in (found.error or "")


DATA = '{"items": [{"name": "a", "total": 1}, {"name": "b", "total": 2}], "note": null}'


@pytest.mark.parametrize(
    ("params", "passes", "reason"),
    [
        pytest.param("$.items[1].total", True, "$.items[1].total is '2'", id="exists"),
        pytest.param("$.sum", False, "$.sum finds nothing in", id="does-not-exist"),
        pytest.param({"path": "$.sum", "exists": False}, True, "$.sum finds nothing", id="must-not-exist"),
        pytest.param({"path": "$.items", "exists": False}, False, "$.items is", id="must-not-exist-but-does"),
        pytest.param(
            {"path": "$.items[0].name", "value": "a"}, True, "$.items[0].name is 'a'", id="by-value"
        ),
        pytest.param(
            {"path": "$.items[0].name", "value": "b"},
            False,
            "$.items[0].name is 'a', not 'b'",
            id="another-value",
        ),
        pytest.param({"path": "$.note", "value": None}, True, "$.note is 'null'", id="null-is-a-value"),
        pytest.param(
            {"path": "$.items[0].total", "value": None}, False, "$.items[0].total is '1'", id="not-null"
        ),
        pytest.param({"path": "$.sum", "value": 3}, False, "$.sum finds nothing", id="a-value-of-nothing"),
        pytest.param({"path": "$..total", "value": {"number": 2}}, True, "", id="any-match-by-a-scorer"),
        pytest.param(
            {"path": "$..total", "value": 2, "occurrence": "all"},
            False,
            "$..total is '1', not '2'",
            id="all-matches",
        ),
        pytest.param({"path": "$.items[?@.total > 1].name", "value": "b"}, True, "", id="a-filter"),
        pytest.param({"path": "$.items[0]", "value": {"name": "a"}}, True, "", id="an-object-by-some-fields"),
    ],
)
def test_json_path_finds_a_part_and_compares_it(params: Any, passes: bool, reason: str) -> None:
    found = score({"json_path": params}, DATA)
    assert found.passed is passes
    assert found.reason.startswith(reason)


@pytest.mark.parametrize("text", ["no json", "12", '"text"'])
def test_json_path_finds_nothing_in_what_has_no_parts(text: str) -> None:
    assert score({"json_path": "$.a"}, text).passed is False


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        pytest.param("$.a[", "is not a JSONPath", id="syntax"),
        pytest.param("", "at least 1 character", id="empty"),
        pytest.param({"path": "$.a", "value": 1, "exists": False}, "keep one of", id="a-value-of-the-absent"),
    ],
)
def test_a_bad_path_is_refused_when_the_case_is_read(params: Any, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        parse_scorer({"json_path": params})
