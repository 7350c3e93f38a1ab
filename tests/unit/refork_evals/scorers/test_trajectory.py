"""What trajectory, steps and final say of a tail, and where they may stand."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from refork.errors import BadFileError
from refork.records import RecordedError, Run, Step, StepKind, ToolCall
from refork.records.outcome import ForkStatus, Outcome
from refork.records.workflow_result import usage_of
from refork_evals.recorded import recorded_trial
from refork_evals.results import ScoredTrial
from refork_evals.scorers.expectations import parse_expectations
from refork_evals.trials import score_recorded, score_trials
from support.evals_builders import answer, case, model_step, sample, score, trial

CALLS = answer("done", ("look_up", {"name": "Ann"}), ("refund", {"amount": 5}), ("look_up", {"name": "Bob"}))


@pytest.mark.parametrize(
    ("tools", "passing"),
    [
        (["look_up", "refund", "look_up"], {"exact", "unordered", "superset", "subset"}),
        (["look_up", "look_up", "refund"], {"unordered", "superset", "subset"}),
        (["look_up", "refund"], {"superset"}),
        (["look_up", "refund", "look_up", "mail"], {"subset"}),
        (["look_up", "mail"], set()),
        ([], {"superset"}),
        (
            [{"name": "look_up", "arguments": {"name": "Bob"}}, "look_up", "refund"],
            {"unordered", "superset", "subset"},
        ),
        ([{"name": "refund", "arguments": {"amount": {"number": 5}}}], {"superset"}),
        ([{"name": "refund", "arguments": {"amount": 6}}], set()),
    ],
)
@pytest.mark.parametrize("mode", ["exact", "unordered", "superset", "subset"])
def test_the_calls_are_those_that_the_mode_asks_for(tools: list[Any], passing: set[str], mode: str) -> None:
    given = score({"trajectory": {"tools": tools, "mode": mode}}, CALLS)
    assert given.passed is (mode in passing), given.reason


def test_the_reason_says_what_was_called_and_what_is_wrong() -> None:
    said = score({"trajectory": ["look_up", "mail"]}, CALLS).reason
    assert said == "called look_up, refund, look_up: call 2 is 'refund', not 'mail'"
    said = score({"trajectory": {"tools": ["look_up"], "mode": "subset"}}, CALLS).reason
    assert said.endswith("was not expected")
    assert "refund" in said.rpartition(":")[0]


@pytest.mark.parametrize(
    ("params", "passes"),
    [(3, True), (2, False), ({"max": 1, "kind": "model"}, False), ({"max": 1, "kind": "tool"}, True)],
)
def test_steps_are_counted(params: Any, passes: bool) -> None:
    steps = (
        model_step(2, tokens=(1, 1)),
        Step(number=3, name="refund", kind=StepKind.TOOL, tool="refund"),
        model_step(4, tokens=(1, 1)),
    )
    assert score({"steps": params}, sample("done", trajectory=steps)).passed is passes


def test_the_reason_of_a_long_tail_still_says_what_is_wrong() -> None:
    called = answer("done", *[("look_up_the_customer", {})] * 200)
    said = score({"trajectory": ["look_up_the_customer"]}, called).reason
    assert "(200 calls)" in said
    assert said.endswith("look_up_the_customer('{}') was not expected")


def test_final_looks_at_the_result_alone() -> None:
    assert score({"final": {"contains": "done"}}, CALLS).passed is True
    assert score({"final": {"contains": "look_up"}}, CALLS).passed is False


@pytest.mark.parametrize(
    ("inner", "named"),
    [
        ({"tool_called": "refund"}, "tool_called"),
        ({"not": {"tool_not_called": "refund"}}, "tool_not_called"),
        ({"contains": {"text": "5", "from": {"tool": "refund"}}}, "contains"),
        ({"judge": {"rubric": "Is polite.", "from": {"tool": "refund"}}}, "judge"),
        ({"any": [{"contains": "x"}, {"trajectory": []}]}, "trajectory"),
        ({"steps": 3}, "steps"),
    ],
)
def test_final_refuses_what_would_find_nothing_in_a_result(inner: dict[str, Any], named: str) -> None:
    with pytest.raises(
        BadFileError, match=rf"expect\[0\]\.final\..*: holds '{named}', which .* beside final"
    ):
        parse_expectations(case(expect=({"final": inner},), scope="tail"))


@pytest.mark.parametrize(
    "entry",
    [{"steps": 3}, {"final": {"contains": "x"}}, {"any": [{"contains": "x"}, {"not": {"trajectory": []}}]}],
)
def test_a_scorer_of_tails_is_refused_where_only_the_step_runs(entry: dict[str, Any]) -> None:
    with pytest.raises(BadFileError, match=r"expect\[0\]: '(steps|final|trajectory)' looks at .*scope: tail"):
        parse_expectations(case(expect=(entry,)))
    assert parse_expectations(case(expect=(entry,), scope="tail"))


def recorded_run(**fields: Any) -> Run:
    steps = (
        model_step(1, tokens=(800, 200)),
        Step(
            number=2,
            name="_model_call_step",
            kind=StepKind.MODEL,
            answer=answer("", ("refund", {"amount": 5})),
        ),
        Step(number=3, name="refund", kind=StepKind.TOOL, tool="refund", output="refunded 5"),
    )
    return replace(Run(id="r", workflow="w", status="SUCCESS", steps=steps, output="paid"), **fields)


def test_what_production_did_from_the_fork_point_on_is_scored_too() -> None:
    tail = case(run=recorded_run(), scope="tail")
    trial = recorded_trial(tail)
    assert trial.answer is not None
    assert (trial.answer.text, trial.answer.tool_calls) == (
        "paid",
        (ToolCall(name="refund", arguments={"amount": 5}),),
    )
    assert [step.number for step in trial.trajectory] == [2, 3]
    (scorer,) = parse_expectations(case(expect=({"trajectory": ["refund"]},), scope="tail"))
    scored = score_recorded(tail, [scorer])
    assert scored is not None
    assert scored.passed is True


def test_a_run_that_failed_has_its_error_and_no_result() -> None:
    failed = recorded_run(
        status="ERROR", output=None, error=RecordedError(type="ValueError", message="no room")
    )
    trial = recorded_trial(case(run=failed, scope="tail"))
    assert trial.answer is None
    assert trial.error is not None
    assert trial.error.message == "no room"
    scored = score_recorded(case(run=failed, scope="tail"), [])
    assert scored is not None
    assert (scored.passed, scored.reasons) == (False, ("ValueError: no room",))
    cancelled = case(run=recorded_run(status="CANCELLED", output=None), scope="tail")
    assert score_recorded(cancelled, []) is None


def test_a_tail_that_begins_at_a_tool_counts_that_tool() -> None:
    trial = recorded_trial(replace(case(run=recorded_run(), scope="tail"), step=3))
    assert trial.answer is not None
    assert [call.name for call in trial.answer.tool_calls] == ["refund"]


def test_a_tail_costs_what_each_of_its_models_does() -> None:
    dear, cheap = (model_step(n, tokens=(1000, 0), model=m) for n, m in ((2, "gpt-4o"), (3, "gpt-4o-mini")))
    (scored,) = cost_of_tail(dear, cheap)
    assert scored.cost_usd == Decimal("0.0025") + Decimal("0.00015")
    (scored,) = cost_of_tail(dear, replace(cheap, model="house-model"))
    assert scored.cost_usd is None


def test_tokens_that_nobody_reported_are_unknown_and_not_none() -> None:
    silent = replace(model_step(3, tokens=(1, 1)), usage=None)
    assert usage_of((model_step(2, tokens=(5, 5)), silent)) is None
    failed = replace(silent, error=RecordedError(type="E", message="no"))
    known = usage_of((model_step(2, tokens=(5, 5)), failed))
    assert known is not None
    assert known.total_tokens == 10


def cost_of_tail(*steps: Step) -> tuple[ScoredTrial, ...]:
    given = trial(usage=usage_of(steps), model="gpt-4o", trajectory=steps)
    outcome = Outcome(case="c", status=ForkStatus.MEASURED, trials=(given,))
    return score_trials(case(scope="tail"), outcome, [])


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ("refund", None),
        ({"call": "look_up", "before": "refund"}, None),
        ({"call": "look_up", "before": [{"name": "refund", "arguments": {"amount": 5}}, "mail"]}, None),
        ({"call": {"name": "refund", "arguments": {"amount": 5}}}, None),
        ("mail", ": 'mail' is missing"),
        ({"call": "refund", "before": "look_up"}, """: look_up('{"name": "Ann"}') came before 'refund'"""),
        (
            {"call": {"name": "look_up", "arguments": {"name": "Bob"}}, "before": ["mail", "refund"]},
            """: refund('{"amount": 5}') came before 'look_up'""",
        ),
    ],
)
def test_a_call_must_come_sooner_or_later_and_before_others(params: Any, reason: str | None) -> None:
    given = score({"eventually_calls": params}, CALLS)
    assert given.passed is (reason is None)
    assert given.reason == "called look_up, refund, look_up" + (reason or "")


def test_the_call_must_come_even_if_none_of_the_others_does() -> None:
    assert score({"eventually_calls": {"call": "check", "before": "refund"}}, answer("done")).passed is False
