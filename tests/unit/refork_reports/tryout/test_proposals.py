"""Prompts, models and settings of a command line as variants."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from refork.errors import ReforkError
from refork.records.variant import Variant
from refork.text.lines import is_name
from refork_reports.tryout.before import before_of
from refork_reports.tryout.proposals import UNCHANGED, variants_of, words


def test_a_prompt_is_a_template_and_a_model_alone_keeps_the_codes_prompt() -> None:
    [careful] = variants_of(["Be careful. {{ baseline }}"])
    assert (careful.name, careful.template) == ("prompt-1", "Be careful. {{ baseline }}")
    small, big = variants_of(models=["small,big"])
    assert [(each.name, each.model, each.template) for each in (small, big)] == [
        ("small", "small", UNCHANGED),
        ("big", "big", UNCHANGED),
    ]


def test_a_file_brings_its_name_and_its_front_matter(tmp_path: Path) -> None:
    file = tmp_path / "strict.md"
    file.write_text("---\nmodel: gpt-5\ntemperature: 0\n---\nBe strict.\n", encoding="utf-8")
    [strict] = variants_of([str(file)])
    assert (strict.name, strict.template, strict.model) == ("strict", "Be strict.\n", "gpt-5")
    assert strict.settings == {"temperature": 0}
    assert words(strict) == f"prompt {str(file)!r}, model gpt-5, temperature 0"


def test_everything_is_crossed_and_a_key_that_is_repeated_is_varied() -> None:
    found = variants_of(["a", "b"], ["x,y"], ["temperature=0", "temperature=1", "max_tokens=9"])
    assert len(found) == 8
    assert {(each.template, each.model, each.settings["temperature"]) for each in found} == {
        (template, model, heat) for template in "ab" for model in "xy" for heat in (0, 1)
    }
    assert {each.settings["max_tokens"] for each in found} == {9}
    assert words(found[0]) == "prompt 'a', model x, temperature 0, max_tokens 9"


def test_tools_are_those_still_offered_or_those_left_out() -> None:
    found = variants_of(tools=["query", "-book,-pay", ""])
    assert [(each.name, each.tools, words(each)) for each in found] == [
        ("query", ("query",), "only tools query"),
        ("without-book-pay", ("-book", "-pay"), "without tools book, pay"),
        ("no-tools", (), "no tools"),
    ]
    assert all(each.changes_call and each.template == UNCHANGED for each in found)


def test_the_variables_of_a_prompt_of_the_application_may_be_used_where_it_is_one() -> None:
    assert variants_of(["Dear {{ customer }}"], plain="greeting")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"prompts": [" "]}, "--prompt is empty"),
        ({"prompts": ["gone.md"]}, "'gone.md' is not a file"),
        ({"prompts": ["{{ nobody }}"]}, "'nobody' is undefined"),
        ({"models": ["a,,b"]}, "--model has an empty name"),
        ({"models": ["a", "a"]}, "would be named 'a'"),
        ({"tools": ["book,-pay"]}, "not both"),
        ({"tools": ["book,,pay"]}, "--tools 'book,,pay'"),
        ({"tools": ["--book"]}, "--tools '--book'"),
        ({"settings": ["temperature"]}, "write key=value"),
        ({"settings": ["model=x"]}, "write key=value"),
        ({"settings": ["heat=1"]}, "heat"),
        ({"settings": ["temperature=hot"]}, "temperature"),
        ({"settings": ["temperature=["]}, "temperature=["),
    ],
)
def test_what_is_no_variant_is_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ReforkError) as raised:
        variants_of(**arguments)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@given(st.lists(st.text(min_size=1, max_size=20), max_size=3), st.text(max_size=30))
@example(["_"], "")
def test_any_text_becomes_variants_with_names_of_their_own_or_is_refused(
    models: list[str], setting: str
) -> None:
    found: tuple[Variant, ...] = ()
    with contextlib.suppress(ReforkError):
        found = variants_of(models=models, settings=[setting] if setting else [])
    assert len({each.name for each in found}) == len(found)
    assert all(is_name(each.name) for each in found)


def test_what_went_before_is_a_variant_of_its_own_and_is_crossed_with_prompts() -> None:
    before = before_of(['{"rows": []}', "3=[1]"], ["2=4"], ["And in March?"], step=5)
    alone = variants_of(before=before)
    assert [each.name for each in alone] == ["before-1", "before-2", "before-3", "before-4"]
    assert [each.tool_results for each in alone] == [{5: {"rows": []}}, {3: [1]}, {}, {}]
    assert alone[2].step_outputs == {2: 4}
    assert alone[3].messages == {"user": "And in March?"}
    assert not any(each.changes_call for each in alone)
    assert words(alone[0]) == 'with step 5 = {"rows": []}'
    crossed = variants_of(["Be careful."], before=before[:1])
    assert [(each.name, each.template, each.tool_results) for each in crossed] == [
        ("prompt-1-before-1", "Be careful.", {5: {"rows": []}})
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"tool_results": ["[]"]}, "names no step"),
        ({"tool_results": ["5=rows"]}, "is not JSON"),
        ({"tool_results": ["rows"], "step": 5}, "is not JSON"),
        ({"step_outputs": ["x=1"]}, "names no step"),
    ],
)
def test_what_is_no_result_is_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ReforkError) as raised:
        before_of(**arguments)
    assert said in str(raised.value)
