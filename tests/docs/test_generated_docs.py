"""What is generated in docs/ is what the code says today."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from support.generated_docs import DOCS, pages

CASE = """
version: 1
description: The summary says that revenue rose although it fell.
fork: {step: 7, agent: summarizer}
trials: 10
min_pass_rate: 0.6
expect:
  - not_contains: {text: increased, ignore_case: true}
  - contains: 12%
  - tool_called: {name: run_sql, arguments: {query: {contains: GROUP BY}}}
  - any: [{contains: fell}, {regex: declin}]
  - judge_of_mine: {strict: true}
"""


@pytest.mark.parametrize("page", list(pages()), ids=lambda page: page.name)
def test_generated_pages_are_current(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == pages()[page], "run: make docs"


def test_the_published_schema_accepts_a_case_and_refuses_a_misspelt_key() -> None:
    schema = json.loads((DOCS / "schemas" / "case-v1.json").read_text(encoding="utf-8"))
    case = yaml.safe_load(CASE)
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(case, schema, cls=jsonschema.Draft7Validator)
    with pytest.raises(jsonschema.ValidationError, match="trails"):
        jsonschema.validate(case | {"trails": 3}, schema, cls=jsonschema.Draft7Validator)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(
            case | {"expect": [{"contains": {"txt": "x"}}]}, schema, cls=jsonschema.Draft7Validator
        )
