"""The published schema accepts what is read and marks what is refused, so that an editor says it first."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from refork.case_files.case_file import CaseFile, save_case_yaml
from refork.case_files.editor_schema import case_schema, schema_text
from refork.records import Run, Step

GOLDEN = Path(__file__).parents[1] / "golden"
MINIMAL: dict[str, Any] = {"version": 1, "fork": {"step": 1}}


def accepts(document: Any, schema: dict[str, Any] | None = None) -> bool:
    made = case_schema() if schema is None else schema
    Draft7Validator.check_schema(made)
    return bool(Draft7Validator(made).is_valid(document))


@pytest.mark.parametrize(
    "path", sorted(GOLDEN.glob("case-v1/*/case.yaml")), ids=lambda path: path.parent.name
)
def test_every_golden_case_is_accepted(path: Path) -> None:
    assert accepts(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_a_freshly_captured_case_is_accepted(tmp_path: Path) -> None:
    run = Run(id="r", workflow="w", status="ERROR", steps=(Step(number=1, name="s"),))
    assert accepts(yaml.safe_load(save_case_yaml(tmp_path / "c", run=run, step=1).read_text()))


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"trails": 1},
        {"fork": {}},
        {"fork": {"step": "1"}},
        {"fork": {"step": 1, "x": 1}},
        {"scope": "rest"},
        {"trials": 0},
        {"min_pass_rate": 0},
        {"guard": "no"},
        {"expect": ["contains"]},
        {"expect": [{"a": 1, "b": 2}]},
        {"variants": "careful"},
    ],
)
def test_values_that_reading_refuses_are_marked_in_the_editor(change: dict[str, Any]) -> None:
    assert accepts(MINIMAL)
    assert not accepts({**MINIMAL, **change})


def test_expectations_are_what_the_floor_above_says() -> None:
    schema = case_schema(
        expectation={"oneOf": [{"$ref": "#/$defs/contains"}]},
        definitions={
            "contains": {
                "type": "object",
                "properties": {"contains": {"type": "string"}},
                "required": ["contains"],
                "additionalProperties": False,
            }
        },
    )
    assert accepts({**MINIMAL, "expect": [{"contains": "12%"}]}, schema)
    assert not accepts({**MINIMAL, "expect": [{"contains": 12}]}, schema)


def test_a_definition_may_not_replace_the_schemas_own() -> None:
    with pytest.raises(ValueError, match="ForkSection"):
        case_schema(definitions={"ForkSection": {}})


def test_every_key_is_described() -> None:
    schema = case_schema()
    described = {key for key, part in schema["properties"].items() if part.get("description")}
    assert described | {"fork"} == set(CaseFile.model_fields)
    assert schema["$defs"]["ForkSection"]["description"]


def test_its_text_is_the_same_every_time() -> None:
    assert schema_text(case_schema()) == schema_text(case_schema())
    assert schema_text(case_schema()).endswith("}\n")
