"""A file is a variant: its template, the model and the settings that it overrides."""

import dataclasses
from pathlib import Path

import pytest
from agents import ModelSettings
from refork.errors import BadFileError, ReforkError, TemplateError
from refork.prompts.candidates import find_variants, load_variants, render
from refork.prompts.front_matter import FrontMatter
from refork.records import Case, Request, Run, Step
from refork.records.variant import Variant, current, names


def prompts(tmp_path: Path, agent: str = "analyst", /, **files: str) -> Path:
    folder = tmp_path / "prompts" / agent
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return tmp_path / "prompts"


def only(root: Path) -> Variant:
    (variant,) = load_variants(root, "analyst")
    return variant


def rendered(variant: Variant, baseline: str | None = "Be brief.") -> str:
    return render(variant, baseline=baseline, request=Request(agent="Analyst", model="gpt-4o-mini"))


class TestFolders:
    def test_the_markdown_files_of_the_agents_folder_are_its_variants_in_name_order(
        self, tmp_path: Path
    ) -> None:
        root = prompts(tmp_path, "sales-analyst", terse="b", careful="a")
        (root / "sales-analyst" / ".hidden.md").write_text("x")
        (root / "sales-analyst" / "notes.txt").write_text("x")
        (root / "sales-analyst" / "folder.md").mkdir()
        assert names(load_variants(root, "Sales Analyst")) == ("careful", "terse")

    def test_an_agent_without_a_folder_has_no_variants(self, tmp_path: Path) -> None:
        assert load_variants(tmp_path / "prompts", "analyst") == ()

    @pytest.mark.parametrize("name", ["current", "recorded", "Current"])
    def test_current_and_recorded_may_not_have_a_file(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(BadFileError, match=f"'{name}' needs no file and may not have one"):
            load_variants(prompts(tmp_path, **{name: "x"}), "analyst")

    def test_a_file_that_cannot_name_a_variant_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(BadFileError, match="'a,b' cannot name a variant"):
            load_variants(prompts(tmp_path, **{"a,b": "x"}), "analyst")


class TestFrontMatter:
    def test_it_overrides_the_model_and_the_settings(self, tmp_path: Path) -> None:
        text = "---\nmodel: gpt-4o\ntemperature: 0\nreasoning: {effort: low}\n---\nBe careful.\n"
        variant = only(prompts(tmp_path, v=text))
        assert (variant.model, variant.template) == ("gpt-4o", "Be careful.\n")
        assert variant.settings == {"temperature": 0, "reasoning": {"effort": "low"}}

    def test_a_file_without_it_overrides_nothing(self, tmp_path: Path) -> None:
        variant = only(prompts(tmp_path, v="Be careful.\n---\nAlways.\n"))
        assert (variant.model, variant.settings) == (None, {})
        assert rendered(variant) == "Be careful.\n---\nAlways."

    def test_with_no_prompt_under_it_the_prompt_stays_as_it_is(self, tmp_path: Path) -> None:
        assert rendered(only(prompts(tmp_path, v="---\nmodel: gpt-4o\n---\n"))) == "Be brief."

    @pytest.mark.parametrize("text", ["", " \n", "---\n---\n"])
    def test_a_file_that_says_nothing_is_refused(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(TemplateError, match=r"v\.md' is empty"):
            load_variants(prompts(tmp_path, v=text), "analyst")

    @pytest.mark.parametrize(
        ("yaml", "said"),
        [
            ("temprature: 1", "line 2: unknown key 'temprature'; did you mean 'temperature'?"),
            ("model: a\nseed: 1", "line 3: unknown key 'seed'; known: frequency_penalty, "),
            ("temperature: hot", "line 2: 'temperature' must be a number, and is 'hot'"),
            ("temperature: -1", "line 2: 'temperature' must be greater than or equal to 0"),
            ("max_tokens: 1.5", "line 2: 'max_tokens' must be an integer"),
            ("reasoning: {efort: low}", "unknown key 'reasoning.efort'; did you mean 'effort'?"),
            ("a: 1\na: 2", "line 3: the key 'a' stands twice"),
            ("model: !!python/name:os.system x", "line 2: the tag"),
            ("just text", "line 2: front matter must hold keys and values"),
        ],
    )
    def test_an_invalid_value_is_named_with_its_line(self, tmp_path: Path, yaml: str, said: str) -> None:
        with pytest.raises(BadFileError) as caught:
            load_variants(prompts(tmp_path, v=f"---\n{yaml}\n---\nhello\n"), "analyst")
        assert said in str(caught.value)
        assert "v.md'" in str(caught.value)

    def test_it_must_be_closed(self, tmp_path: Path) -> None:
        with pytest.raises(BadFileError, match=r"line 1: front matter is opened by '---' and never closed"):
            load_variants(prompts(tmp_path, v="---\nmodel: a\n"), "analyst")

    def test_every_setting_is_one_of_the_agents_sdk(self) -> None:
        known = {field.name for field in dataclasses.fields(ModelSettings)}
        assert set(FrontMatter.model_fields) - {"model", "tools"} <= known

    def test_the_agents_sdk_takes_every_setting_as_it_is(self) -> None:
        front = FrontMatter(
            temperature=1,
            top_p=0.5,
            max_tokens=9,
            frequency_penalty=1,
            presence_penalty=-1,
            tool_choice="none",
            parallel_tool_calls=False,
            truncation="auto",
            verbosity="low",
            top_logprobs=2,
        )
        settings = FrontMatter.model_validate({**front.settings, "reasoning": {"effort": "high"}}).settings
        taken = ModelSettings(**settings)
        assert {name: getattr(taken, name) for name in front.settings} == front.settings
        assert taken.reasoning is not None
        assert taken.reasoning.effort == "high"


class TestRendering:
    def test_current_is_the_prompt_as_the_code_has_it(self) -> None:
        assert rendered(current()) == "Be brief."

    @pytest.mark.parametrize(
        ("template", "prompt"),
        [
            ("{{ baseline }} Check the sign.", "Be brief. Check the sign."),
            ("You are {{ agent }} on {{ model }}.", "You are Analyst on gpt-4o-mini."),
            ("{{ baseline | replace('brief', 'long') | upper }}", "BE LONG."),
            ("{{ baseline.replace('brief', 'long') }}", "Be long."),
            ("{% if 'brief' in baseline %}yes{% endif %}", "yes"),
            (
                "{% for w in baseline.split() %}{{ loop.index }}/{{ loop.length }}:{{ w }} {% endfor %}",
                "1/2:Be 2/2:brief. ",
            ),
            ("{% set a, b = 'x', 2 %}{{ a ~ b ~ ['p', 'q'] | join('-') }}", "x2p-q"),
            ("{% macro quote(t) %}<{{ t }}>{% endmacro %}{{ quote(agent) }}", "<Analyst>"),
            ("{% filter upper %}{{ baseline }}{% endfilter %}", "BE BRIEF."),
            ("{{ '-' * 5 }}{{ {'a': 1}['a'] + 2 ** 3 }}", "-----9"),
            ("{% raw %}{{ kept }}{% endraw %}{# gone #}", "{{ kept }}"),
            ("<b> & 'text' {{ '<i>' }}", "<b> & 'text' <i>"),
            ("one\n", "one"),
            ("two\n\n", "two\n"),
            ("dos\r\nlines\r\n", "dos\nlines"),
        ],
    )
    def test_a_template_makes_the_prompt(self, template: str, prompt: str) -> None:
        assert rendered(Variant(name="v", template=template)) == prompt

    def test_a_step_without_a_prompt_has_an_empty_baseline(self) -> None:
        assert rendered(Variant(name="v", template="[{{ baseline }}]"), baseline=None) == "[]"
        assert rendered(current(), baseline=None) == ""

    def test_a_baseline_that_looks_like_a_template_stays_text(self) -> None:
        assert rendered(Variant(name="v", template="{{ baseline }}"), "{{ 1 + 1 }}") == "{{ 1 + 1 }}"

    @pytest.mark.parametrize(
        ("template", "said"),
        [
            ("ok\n{{ baseline", "line 5: "),
            ("ok\n\n{% fro x %}", "line 6: Encountered unknown tag 'fro'"),
            ("{{ baselin }}", "line 4: 'baselin' is undefined; did you mean 'baseline'?"),
            ("\n{{ customer }}", "line 5: 'customer' is undefined; known: agent, baseline, model"),
            ("\n{{ baseline | uper }}", "line 5: a prompt has no filter 'uper'; did you mean 'upper'?"),
        ],
    )
    def test_a_broken_template_is_found_when_it_is_loaded_with_the_line_of_the_file(
        self, tmp_path: Path, template: str, said: str
    ) -> None:
        with pytest.raises(TemplateError) as caught:
            load_variants(prompts(tmp_path, v=f"---\nmodel: m\n---\n{template}\n"), "analyst")
        assert said in str(caught.value)
        assert "v.md', line" in str(caught.value)

    @pytest.mark.parametrize(
        ("expression", "said"),
        [
            ("1 / 0", "division by zero"),
            ("'a' + 1", "can only concatenate"),
            ("baseline.nope", "has no attribute 'nope'"),
            ("['a']", "a list cannot be printed; join it, as in {{ items | join(', ') }}"),
            ("none", "a NoneType cannot be printed"),
        ],
    )
    def test_an_expression_that_fails_is_named_with_the_line_of_the_file(
        self, tmp_path: Path, expression: str, said: str
    ) -> None:
        variant = only(prompts(tmp_path, v=f"---\nmodel: m\n---\nfirst\n{{{{ {expression} }}}}\n"))
        with pytest.raises(TemplateError) as caught:
            rendered(variant)
        assert "v.md', line 5: " in str(caught.value)
        assert said in str(caught.value)


class TestFinding:
    def case(
        self, tmp_path: Path, *, agent: str | None = "analyst", variants: tuple[str, ...] | None = None
    ) -> Case:
        run = Run(id="r", workflow="w", status="SUCCESS", steps=(Step(number=1, name="s"),))
        return Case(name="c", folder=tmp_path / "c", run=run, step=1, agent=agent, variants=variants)

    def test_a_case_that_names_no_variants_has_every_one(self, tmp_path: Path) -> None:
        root = prompts(tmp_path, a="x", b="y")
        assert names(find_variants(self.case(tmp_path), root)) == ("a", "b")

    def test_a_case_has_the_variants_that_it_names_in_its_own_order(self, tmp_path: Path) -> None:
        root = prompts(tmp_path, a="x", b="y", c="z")
        assert names(find_variants(self.case(tmp_path, variants=("c", "a")), root)) == ("c", "a")
        assert find_variants(self.case(tmp_path, variants=()), root) == ()

    def test_an_unknown_variant_is_refused_with_the_nearest_and_where_it_was_looked_for(
        self, tmp_path: Path
    ) -> None:
        root = prompts(tmp_path, careful="x")
        with pytest.raises(BadFileError) as caught:
            find_variants(self.case(tmp_path, variants=("carefull",)), root)
        message = str(caught.value)
        assert repr(str(tmp_path / "c" / "case.yaml")) in message
        assert repr(str(root / "analyst" / "carefull.md")) in message
        assert message.endswith("did you mean 'careful'?")

    def test_a_case_without_an_agent_has_no_candidates_and_may_name_none(self, tmp_path: Path) -> None:
        root = prompts(tmp_path, a="x")
        assert find_variants(self.case(tmp_path, agent=None), root) == ()
        with pytest.raises(ReforkError, match=r"but no agent; set 'fork\.agent'"):
            find_variants(self.case(tmp_path, agent=None, variants=("a",)), root)
