"""Variants of a case's own change what went before; what cannot be changed is refused in one line."""

from pathlib import Path

import pytest
from refork.case_files.case_file import load_case, save_case_yaml
from refork.case_files.changed_prefix import changed_case, check_changes, next_model_step, written_like
from refork.case_files.finding import own_variants
from refork.case_files.run_file import save_run
from refork.errors import BadFileError, BadInputError
from refork.prompts.candidates import find_variants
from refork.records import Case, RecordedError, Request, Run, Step, StepKind
from refork.records.variant import Variant

HEAD = "version: 1\nfork:\n  step: 4\nvariants:\n"
RUN = Run(
    id="run-1",
    workflow="analyse",
    status="SUCCESS",
    args=("How did it go?",),
    steps=(
        Step(number=1, name="ask", kind=StepKind.MODEL, agent="Analyst"),
        Step(number=2, name="sql", tool="sql", kind=StepKind.TOOL, output={"rows": [[1]]}),
        Step(number=3, name="note", output={"$type": "tuple", "value": ["a"]}),
        Step(
            number=4,
            name="ask",
            kind=StepKind.MODEL,
            agent="Analyst",
            request=Request(
                input=[{"role": "user", "content": "How did it go?"}, {"role": "tool", "content": "x"}]
            ),
        ),
        Step(number=5, name="sql", tool="sql", kind=StepKind.TOOL),
        Step(number=6, name="ask", kind=StepKind.MODEL),
    ),
)


def case_file(folder: Path, variants: str) -> Path:
    save_run(folder, RUN)
    path = folder / "case.yaml"
    path.write_text(HEAD + variants, encoding="utf-8")
    return path


def a_case() -> Case:
    return Case(name="c", folder=Path(), run=RUN, step=4, agent="Analyst")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            '{name: a, tool_results: {"3": 1}}',
            "step 3 ('note'), which is not a tool's; write it under step_outputs",
        ),
        (
            '{name: a, tool_results: {"5": 1}}',
            "after the fork point, step 4, and runs again; fork at the next model",
        ),
        ('{name: a, step_outputs: {"4": 1}}', "which is the fork point itself"),
        (
            '{name: a, step_outputs: {"99": 1}}',
            "changes step 99, which the run does not have; the nearest are: 4",
        ),
        (
            '{name: a, step_outputs: {"x": 1}}',
            "'variants[0].step_outputs' must have numbers in quotes for its keys",
        ),
        ("{name: a, step_outputs: {5: 1}}", "a key must be text; put it in quotes"),
        (
            '{name: a, tool_result: {"2": 1}}',
            "unknown key 'variants[0].tool_result'; did you mean 'tool_results'?",
        ),
        ("{name: a}", "must change something"),
        ("[a]", "'variants[0]' must be text, and is a list"),
        ('{name: current, step_outputs: {"3": 1}}', "must not list 'current'"),
        ('{tool_results: {"2": 1}}', "the key 'variants[0].name' is missing"),
        ("{name: a, messages: {usr: a}}", "must have numbers in quotes or 'user' for its keys"),
        ('{name: a, messages: {"1": a}}', "changes message 1, which is not one of the user's"),
        ('{name: a, tool_results: {"2": 1}, step_outputs: {"2": 3}}', "changes step 2 twice"),
        ('{name: a, tool_results: {"2": 1}}\n- a', "must list every variant once"),
    ],
)
def test_what_cannot_be_changed_is_refused(tmp_path: Path, entry: str, said: str) -> None:
    with pytest.raises(BadFileError) as caught:
        load_case(case_file(tmp_path / "c", f"- {entry}\n"))
    assert said in str(caught.value)
    assert "line " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_changed_variant_stands_beside_candidates_and_may_have_the_prompt_of_one(tmp_path: Path) -> None:
    prompts = tmp_path / "prompts"
    (prompts / "analyst").mkdir(parents=True)
    (prompts / "analyst" / "careful.md").write_text("Careful! {{ baseline }}", encoding="utf-8")
    entries = (
        '- careful\n- name: none\n  tool_results: {"2": {rows: []}}\n'
        '- {name: both, prompt: careful, tool_results: {"2": {rows: []}}}\n'
    )
    case = load_case(case_file(tmp_path / "cases" / "c", entries))
    careful, none, both = find_variants(case, prompts)
    assert [careful.name, none.name, both.name] == ["careful", "none", "both"]
    assert (none.template, none.changes_call, none.changes) == (None, False, 'with step 2 = {"rows": []}')
    assert (both.template, both.prefix) == (careful.template, none.prefix)
    assert own_variants(tmp_path / "cases") == {"none", "both"}


def test_a_prompt_that_is_not_there_and_a_name_that_is_taken_are_refused(tmp_path: Path) -> None:
    (tmp_path / "prompts" / "analyst").mkdir(parents=True)
    (tmp_path / "prompts" / "analyst" / "careful.md").write_text("Careful!", encoding="utf-8")
    unknown = load_case(case_file(tmp_path / "a", '- {name: x, prompt: carful, step_outputs: {"3": []}}\n'))
    with pytest.raises(BadFileError, match="names 'carful', and there is no"):
        find_variants(unknown, tmp_path / "prompts")
    taken = load_case(case_file(tmp_path / "b", '- {name: careful, step_outputs: {"3": []}}\n'))
    with pytest.raises(BadFileError, match="a candidate has that name too"):
        find_variants(taken, tmp_path / "prompts")


def test_a_changed_output_is_written_as_the_recorded_one_was() -> None:
    changed = changed_case(a_case(), Variant(name="v", step_outputs={3: ["b", "c"]}))
    step = changed.run.step(3)
    assert step is not None
    assert step.output == {"$type": "tuple", "value": ["b", "c"]}
    assert changed.run.steps[:2] == RUN.steps[:2]


def test_types_are_taken_over_at_the_same_places_of_a_value() -> None:
    day = {"$type": "date", "value": "2025-01-01"}
    recorded = {"days": [day], "first": day, "count": 1}
    assert written_like(
        recorded, {"days": ["2025-02-01", "2025-03-01"], "first": "2025-02-01", "more": "x"}
    ) == {
        "days": [{"$type": "date", "value": "2025-02-01"}, {"$type": "date", "value": "2025-03-01"}],
        "first": {"$type": "date", "value": "2025-02-01"},
        "more": "x",
    }


def test_a_value_that_its_type_cannot_be_made_of_is_refused() -> None:
    with pytest.raises(
        BadInputError, match=r"output of step 3 cannot be made of what the variant says: .*tuple"
    ):
        changed_case(a_case(), Variant(name="v", step_outputs={3: 5}))


def test_a_step_that_failed_may_have_returned() -> None:
    failed = Step(
        number=1, name="s", tool="s", kind=StepKind.TOOL, error=RecordedError(type="E", message="m")
    )
    run = Run(
        id="r", workflow="w", status="ERROR", steps=(failed, Step(number=2, name="a", kind=StepKind.MODEL))
    )
    case = Case(name="c", folder=Path(), run=run, step=2)
    step = changed_case(case, Variant(name="v", tool_results={1: "fine"})).run.step(1)
    assert step is not None
    assert (step.output, step.error) == ("fine", None)


def test_a_message_is_changed_where_it_came_from() -> None:
    for place in (0, "user"):
        changed = changed_case(a_case(), Variant(name="v", messages={place: "Why?"}))
        assert changed.run.args == ("Why?",)


def test_the_step_of_a_child_workflow_is_not_changed() -> None:
    child = Step(number=1, name="DBOS.getResult", child_run="other", output=1)
    run = Run(
        id="r", workflow="w", status="ERROR", steps=(child, Step(number=2, name="a", kind=StepKind.MODEL))
    )
    with pytest.raises(BadInputError, match="belongs to a child workflow"):
        check_changes(Case(name="c", folder=Path(), run=run, step=2), Variant(name="v", step_outputs={1: 2}))


def test_the_next_model_call_after_a_tool_is_where_its_result_matters() -> None:
    found = next_model_step(RUN, 2)
    assert found is not None
    assert found.number == 4
    assert next_model_step(RUN, 6) is None


def test_variants_that_change_the_same_have_the_same_prefix() -> None:
    one, two = (
        Variant(name="a", tool_results={2: {"x": 1, "y": 2}}),
        Variant(name="b", step_outputs={2: {"y": 2, "x": 1}}),
    )
    assert one.prefix == two.prefix != Variant(name="c", tool_results={2: 3}).prefix
    assert Variant(name="d", template="x").prefix == ""


def test_a_long_value_is_shortened_and_hostile_text_stays_on_its_line() -> None:
    said = Variant(name="a", tool_results={2: "x\n\x1b[31m" * 200}, messages={"user": "Hi"}).changes
    assert said.startswith('with step 2 = "x\\n')
    assert said.endswith('the last message of the user = "Hi"')
    assert "\x1b" not in said
    assert len(said) < 200


def test_a_fresh_case_file_names_no_variant(tmp_path: Path) -> None:
    save_case_yaml(tmp_path / "c", run=RUN, step=4)
    save_run(tmp_path / "c", RUN)
    assert load_case(tmp_path / "c").variants is None
