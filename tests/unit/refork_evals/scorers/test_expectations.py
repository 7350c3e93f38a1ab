"""How ``expect`` becomes scorers, what is refused, and the schema that editors check it with."""

import json
from collections.abc import Generator
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refork.errors import BadFileError
from refork_evals import Sample, scorer
from refork_evals.scorers.builtin import BUILT_IN
from refork_evals.scorers.expectations import expect_schema, parse_expectations
from refork_evals.scorers.registry import forget_scorers, known_scorers
from support.evals_builders import case

EVERY_SCORER: list[dict[str, Any]] = [
    {"contains": "12%"},
    {"not_contains": {"text": "increased", "ignore_case": True}},
    {"equals": None},
    {"regex": {"pattern": "fell|declin", "from": "structured"}},
    {"json_schema": {"schema": {"type": "object"}}},
    {"json_path": {"path": "$.total", "value": {"number": 3}}},
    {"number": {"value": -12.0, "tolerance": 0.5}},
    {"tool_called": {"name": "run_sql", "arguments": {"query": {"contains": "GROUP BY"}}}},
    {"tool_not_called": "send_mail"},
    {"eventually_calls": {"call": "verify", "before": "refund"}},
    {"trajectory": {"tools": ["search", {"name": "refund", "arguments": {"amount": 5}}], "mode": "superset"}},
    {"steps": {"max": 6, "kind": "model"}},
    {"final": {"contains": "fell"}},
    {
        "sql": {
            "dialect": "duckdb",
            "tables": {"sales": ["month"]},
            "from": {"tool": "run_sql", "argument": "query"},
        }
    },
    {"max_tokens": 500},
    {"max_seconds": 2.5},
    {"max_cost": {"limit": 0.01}},
    {"judge": {"rubric": "Says that revenue fell.", "model": "gpt-4o-mini"}},
    {"all": [{"contains": "a"}, {"contains": "b"}]},
    {"any": [{"contains": "fell"}, {"not": {"contains": "rose"}}]},
    {"not": {"contains": "rose"}},
]


@pytest.fixture(autouse=True)
def own_scorers_only() -> Generator[None]:
    yield
    forget_scorers()


def test_there_is_an_example_of_every_scorer() -> None:
    assert {next(iter(entry)) for entry in EVERY_SCORER} == set(BUILT_IN)


def test_expectations_become_scorers_in_the_order_of_the_file() -> None:
    scorers = parse_expectations(case(expect=tuple(EVERY_SCORER), scope="tail"))
    assert [each.name for each in scorers] == [next(iter(entry)) for entry in EVERY_SCORER]


def test_a_case_without_expectations_is_refused() -> None:
    with pytest.raises(
        BadFileError, match=r"evals/cases/empty/case\.yaml: .*no expectations: nothing could fail"
    ):
        parse_expectations(case("empty"))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        pytest.param(
            {"contain": "x"}, ".contain: unknown scorer 'contain'; did you mean 'contains'?", id="a-scorer"
        ),
        pytest.param({"quux": "x"}, ".quux: unknown scorer 'quux'; accepted: all, any, ", id="nothing-near"),
        pytest.param(
            {"contains": {"txt": "x"}}, ".contains.txt: unknown key 'txt'; did you mean 'text'?", id="a-key"
        ),
        pytest.param(
            {"contains": 12}, ".contains: input should be a valid string, not '12'", id="a-short-form"
        ),
        pytest.param(
            {"number": {"value": 1, "tolerance": "x"}},
            ".number.tolerance: input should be a valid number, not 'x'",
            id="a-type",
        ),
        pytest.param({"number": True}, ".number: input should be a valid number, not 'true'", id="a-truth"),
        pytest.param({"number": {"tolerance": 1}}, ".number.value: is missing", id="a-missing-key"),
        pytest.param({"max_tokens": 0}, ".max_tokens: input should be greater than 0, not '0'", id="a-limit"),
        pytest.param(
            {"contains": ""}, ".contains: string should have at least 1 character", id="a-text-found-anywhere"
        ),
        pytest.param({"regex": "("}, ".regex: is not a regular expression", id="a-pattern"),
        pytest.param(
            {"any": [{"contains": "a"}, {"regexp": "b"}]},
            ".any[1].regexp: unknown scorer 'regexp'; did you mean 'regex'?",
            id="a-part",
        ),
        pytest.param(
            {"not": {"contains": {"text": 1}}}, ".not.contains.text: input should be", id="a-negated-part"
        ),
        pytest.param({"any": []}, ".any: list should have at least 1 item", id="no-parts"),
        pytest.param(
            {"contains": {"text": "x", "from": "txt"}},
            ".contains.from: input should be 'text' or 'structured', not 'txt'",
            id="a-place",
        ),
        pytest.param(
            {"contains": {"text": "x", "from": {"argument": "q"}}},
            ".contains.from: must be text, structured or {tool: NAME, argument: NAME}",
            id="half-a-place",
        ),
        pytest.param({"json_schema": 5}, ".json_schema: is '5', but a mapping is needed", id="no-short-form"),
        pytest.param({}, ": needs exactly one key", id="no-key"),
        pytest.param({"contains": "a", "regex": "b"}, ": needs exactly one key", id="two-keys"),
        pytest.param("contains", ": is 'contains', but a mapping is needed", id="no-mapping"),
        pytest.param({"bad\nname": 1}, ".bad\\nname: unknown scorer 'bad\\nname'", id="a-line-break"),
    ],
)
def test_an_error_names_the_file_the_key_and_what_is_accepted(entry: Any, message: str) -> None:
    with pytest.raises(BadFileError) as caught:
        parse_expectations(case(expect=({"contains": "fine"}, entry)))
    assert str(caught.value).startswith(f"evals/cases/misleading-summary/case.yaml: expect[1]{message}")
    assert str(caught.value).isprintable()


def test_the_users_own_scorers_are_known_and_suggested() -> None:
    @scorer("cites_a_source")
    def cites_a_source(sample: Sample, words: int = 3) -> bool:
        return True

    assert parse_expectations(case(expect=({"cites_a_source": {"words": 5}},)))[0].name == "cites_a_source"
    with pytest.raises(BadFileError, match="did you mean 'cites_a_source'"):
        parse_expectations(case(expect=({"cites_source": None},)))
    with pytest.raises(
        BadFileError, match=r"expect\[0\].cites_a_source.word: unknown key 'word'; did you mean 'words'"
    ):
        parse_expectations(case(expect=({"cites_a_source": {"word": 5}},)))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)
keys = st.sampled_from(sorted({key for model in BUILT_IN.values() for key in model.accepted()}))
params = json_values | st.dictionaries(keys, json_values, max_size=4)


@given(st.dictionaries(st.sampled_from(known_scorers()), params, min_size=1, max_size=1))
def test_any_parameters_give_a_scorer_or_one_clear_line(entry: dict[str, Any]) -> None:
    said = refusal(entry)
    if said is not None:
        assert said.startswith("evals/cases/misleading-summary/case.yaml: expect[0]")
        assert said.isprintable()


def refusal(entry: dict[str, Any]) -> str | None:
    try:
        (made,) = parse_expectations(case(expect=(entry,)))
    except BadFileError as error:
        return str(error)
    assert made.name in entry
    return None


def _validator() -> Any:
    schema = expect_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("entry", EVERY_SCORER, ids=lambda entry: next(iter(entry)))
def test_the_published_schema_accepts_what_is_accepted(entry: dict[str, Any]) -> None:
    assert list(_validator().iter_errors([entry])) == []


def test_the_published_schema_accepts_scorers_of_the_project() -> None:
    assert list(_validator().iter_errors([{"my_scorer": {"anything": 1}}])) == []


@pytest.mark.parametrize(
    "expect",
    [
        pytest.param([], id="no-expectations"),
        pytest.param([{}], id="no-key"),
        pytest.param([{"contains": "a", "regex": "b"}], id="two-keys"),
        pytest.param([{"contains": 12}], id="a-type"),
        pytest.param([{"contains": {"text": "a", "txt": "b"}}], id="an-unknown-key"),
        pytest.param([{"any": [{"number": "x"}]}], id="a-nested-type"),
        pytest.param([{"not": {"contains": 1}}], id="a-negated-type"),
        pytest.param([{"number": {"value": 1, "tolerance": -1}}], id="a-bound"),
        pytest.param([{"contains": {"text": "a", "from": "txt"}}], id="a-place"),
    ],
)
def test_the_published_schema_refuses_what_is_refused(expect: list[Any]) -> None:
    assert list(_validator().iter_errors(expect))


def test_the_published_schema_refers_to_nothing_outside_itself() -> None:
    schema = expect_schema()
    written = json.dumps(schema)
    references = {part.split('"')[0] for part in written.split('"$ref": "')[1:]}
    assert references
    assert {reference.removeprefix("#/$defs/") for reference in references} <= set(schema["$defs"])
    assert "x-refork" not in written
