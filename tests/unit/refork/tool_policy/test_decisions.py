"""What becomes of a call: over every policy, nothing acts that the project did not let act."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refork.records import RecordedError, Run, Step, StepKind
from refork.tool_policy import Action, OnMiss, ToolPolicy, merged
from refork.tool_policy.decisions import Decision, Deny, Live, Replay, Stub, decide
from refork.tool_policy.recorded_calls import RecordedCalls
from refork.tool_policy.rule_files import case_rules, project_rules
from support.policies import ARGUMENTS, NAMES, policies, runs

RUN = Run(
    id="r",
    workflow="w",
    status="SUCCESS",
    steps=(
        Step(number=1, name="run_sql", kind=StepKind.TOOL, arguments={"query": "SELECT 1"}, output=[1]),
        Step(
            number=2,
            name="fails",
            kind=StepKind.TOOL,
            arguments={},
            error=RecordedError(type="ValueError", message="no"),
        ),
    ),
)


def fake(**arguments: Any) -> Any:
    return arguments


def decided(
    name: str,
    arguments: Any,
    *,
    on_miss: OnMiss | None = None,
    case: dict[str, str] | None = None,
    **tools: Any,
) -> Decision:
    project = ToolPolicy(rules=project_rules(tools), on_miss=on_miss)
    policy = merged(project, ToolPolicy(rules=case_rules(case or {})))
    return decide(policy, RecordedCalls(RUN), {"fake": fake, "charge": fake}, name, arguments)


def test_a_recorded_call_is_replayed() -> None:
    assert decided("run_sql", {"query": "SELECT 1"}) == Replay(output=[1], error=None, number=1)


def test_a_recorded_error_is_replayed() -> None:
    error = RecordedError(type="ValueError", message="no")
    assert decided("fails", {}) == Replay(output=None, error=error, number=2)


def test_a_call_that_was_not_recorded_is_denied_with_what_was_and_what_to_do() -> None:
    assert decided("run_sql", {"query": "SELECT 2"}) == Deny(
        message='run_sql({"query":"SELECT 2"}) was not recorded; the nearest that was recorded is step 1, '
        'run_sql({"query":"SELECT 1"}); grant live in [tool.refork.tools], or register a stub'
    )


def test_a_call_is_live_or_stubbed_where_the_project_says_so() -> None:
    assert decided("run_sql", {}, run_sql="live") == Live()
    assert decided("pay", {}, pay={"stub": "fake"}) == Stub(function=fake)
    assert decided("charge", {}, charge="stub") == Stub(function=fake)
    assert decided("Shop.charge", {}, charge="stub") == Stub(function=fake)


def test_a_stub_that_is_missing_denies() -> None:
    assert decided("pay", {"x": 1}, pay="stub") == Deny(
        message="pay({\"x\":1}) has no stub: register 'pay' in conftest.py with refork.tool_policy.stubs.stub, "
        "or take it out of [tool.refork.tools]"
    )


def test_a_recorded_call_that_is_denied_is_not_replayed() -> None:
    decision = decided("run_sql", {"query": "SELECT 1"}, run_sql="deny")
    assert isinstance(decision, Deny)
    assert "is denied" in decision.message


def test_a_grant_that_the_case_takes_away_is_named_as_such() -> None:
    decision = decided("run_sql", {}, case={"run_sql": "deny"}, run_sql="live")
    assert isinstance(decision, Deny)
    assert decision.message.endswith("pyproject.toml grants live, which the case takes away under tools")


@pytest.mark.parametrize(
    ("name", "tools", "told"),
    [
        ("run_sql", {}, True),
        ("new_tool", {}, True),
        ("run_sql", {"run_sql": "deny"}, False),
        ("pay", {"pay": "stub"}, False),
        ("DBOS.send", {}, False),
    ],
)
def test_only_a_miss_of_a_tool_is_told_to_the_model(name: str, tools: dict[str, Any], told: bool) -> None:
    for on_miss, expected in ((OnMiss.TELL, told), (OnMiss.DENY, False), (None, False)):
        decision = decided(name, {"query": "?"}, on_miss=on_miss, **tools)
        assert isinstance(decision, Deny)
        assert decision.tell is expected


def test_the_message_is_one_line_of_a_bounded_length() -> None:
    decision = decided("run_sql", {"query": "SELECT\n" * 10_000})
    assert isinstance(decision, Deny)
    assert "\n" not in decision.message
    assert len(decision.message) < 600


@given(
    project=policies(),
    case=policies(),
    run=runs(),
    calls=st.lists(st.tuples(NAMES, ARGUMENTS), min_size=1, max_size=8),
    stubs=st.sets(st.sampled_from(["fake", "a", "b"])),
)
def test_over_every_policy_only_what_the_project_granted_acts(
    project: ToolPolicy,
    case: ToolPolicy,
    run: Run,
    calls: list[tuple[str, dict[str, Any]]],
    stubs: set[str],
) -> None:
    policy, recorded = merged(project, case), RecordedCalls(run)
    for name, arguments in calls:
        decision = decide(policy, recorded, dict.fromkeys(stubs, fake), name, arguments)
        granted = ToolPolicy(rules=project.rules).action_for(name)
        match decision:
            case Live():
                assert granted is Action.LIVE
            case Stub():
                assert granted is Action.STUB
            case Replay(output=output, error=error, number=number):
                assert granted is not Action.DENY
                step = run.step(number)
                assert step is not None
                assert (step.output, step.error) == (output, error)
                assert step.arguments == arguments
            case Deny(message=message):
                assert name in message
                assert message.isprintable()


@given(name=NAMES, run=runs(), arguments=ARGUMENTS)
def test_without_a_policy_nothing_acts(name: str, run: Run, arguments: dict[str, Any]) -> None:
    decision = decide(ToolPolicy(), RecordedCalls(run), {name: fake}, name, arguments)
    assert isinstance(decision, Replay | Deny)
