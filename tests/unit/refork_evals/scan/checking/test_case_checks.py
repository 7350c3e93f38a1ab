"""What a case expects, applied to other runs: all of it to runs with its input, form and size to all others."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from refork.records import Run
from refork_evals.scan.checking.case_checks import CaseCheck, holds_whatever_the_input, same_step
from refork_evals.scorers.registry import parse_scorer
from support.evals_builders import case, model_step

EXPECT: Any = ({"not_contains": "rose"}, {"max_tokens": 10}, {"judge": "is polite"})


def found(run: Run) -> list[tuple[str, int | None]]:
    problems = asyncio.run(CaseCheck.of(case(expect=EXPECT)).problems(run))
    return [
        (each.what.rpartition(": ")[0], None if each.step is None else each.step.number) for each in problems
    ]


def test_a_run_with_the_input_of_the_case_must_meet_all_but_judges() -> None:
    run = replace(case().run, id="run-2")
    assert found(run) == [("misleading-summary: not_contains", 2), ("misleading-summary: max_tokens", 2)]


def test_a_run_with_another_input_must_meet_what_is_of_form_and_size() -> None:
    run = replace(case().run, id="run-2", args=("another",))
    assert found(run) == [("misleading-summary: max_tokens", 2)]


def test_a_run_of_another_workflow_or_without_the_step_is_not_checked() -> None:
    run = replace(case().run, id="run-2")
    assert found(replace(run, workflow="other")) == []
    assert found(replace(run, steps=run.steps[:1])) == []


def test_the_step_is_the_one_with_as_many_of_its_name_before_it() -> None:
    first, second = model_step(1, tokens=(1, 1)), model_step(2, tokens=(1, 1))
    other = replace(first, number=2, name="look")
    run = replace(case().run, steps=(first, other, replace(second, number=3)))
    step = same_step(case(), run)
    assert step is not None
    assert step.number == 3


@pytest.mark.parametrize(
    ("entry", "general"),
    [
        ({"max_cost": 1}, True),
        ({"json_schema": {"schema": {"type": "object"}}}, True),
        ({"all": [{"max_tokens": 9}, {"max_seconds": 9}]}, True),
        ({"any": [{"max_tokens": 9}, {"contains": "x"}]}, False),
        ({"tool_not_called": "refund"}, False),
        ({"equals": "x"}, False),
    ],
)
def test_form_and_size_hold_whatever_the_input(entry: Any, general: bool) -> None:
    assert holds_whatever_the_input(parse_scorer(entry)) is general
