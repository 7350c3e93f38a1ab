"""The parts of docs/ that are generated. ``make docs`` writes them; a test checks that they are current."""

from collections.abc import Mapping
from pathlib import Path

from refork.case_files.editor_schema import case_schema, schema_text
from refork_evals.scorers.expectations import expect_schema
from refork_reports.results_json import json_schema

from support import cli_docs

DOCS = Path(__file__).parents[2] / "docs"


def pages() -> Mapping[Path, str]:
    """Every generated file with what it should hold."""
    definitions = expect_schema()["$defs"]
    cases = case_schema(expectation={"$ref": "#/$defs/Expectation"}, definitions=definitions)
    return {
        DOCS / "schemas" / "case-v1.json": schema_text(cases),
        DOCS / "schemas" / "results-v1.json": json_schema(),
        cli_docs.PAGE: cli_docs.current(),
    }


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text, encoding="utf-8")
