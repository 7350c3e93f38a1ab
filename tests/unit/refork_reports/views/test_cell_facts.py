"""The command and the request that a reader takes along from a cell."""

import json
import shlex
from dataclasses import replace

from refork_evals.results import Verdict
from refork_reports.views.cell_facts import LONGEST_REQUEST, request_json, rerun_command
from support.report_evaluations import HOSTILE, cell, misleading_summary, request

RESULT = misleading_summary()


def test_a_case_file_is_run_again_by_the_item_of_the_variant() -> None:
    result = replace(RESULT, place="evals/cases/a b/case.yaml")
    hostile = cell("a b", "$(rm -rf)", Verdict.PASS)
    command = rerun_command(result, hostile)
    assert shlex.split(command) == ["pytest", "--agent-evals", "evals/cases/a b/case.yaml::$(rm -rf)"]


def test_a_test_function_is_run_again_under_the_variant() -> None:
    result = replace(RESULT, place="test_it.py::test_says_fell")
    assert rerun_command(result, RESULT.cells[1]) == (
        "pytest --agent-evals --agent-evals-variants careful test_it.py::test_says_fell"
    )


def test_what_is_no_item_has_no_command() -> None:
    assert rerun_command(RESULT, RESULT.cells[0]) == ""


def test_a_request_is_json_that_holds_no_character_that_is_obeyed() -> None:
    text = request_json(request(HOSTILE.replace("\ud800", "")))
    assert json.loads(text)["prompt"] == HOSTILE.replace("\ud800", "")
    assert all(each.isprintable() or each == "\n" for each in text)


def test_a_request_that_is_unknown_or_too_long_is_left_out() -> None:
    assert request_json(None) == request_json(request("x" * LONGEST_REQUEST)) == ""
