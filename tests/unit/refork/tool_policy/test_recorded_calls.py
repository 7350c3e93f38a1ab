"""Recorded calls are handed out for the same call with the same arguments, and for no other."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refork.records import Answer, RecordedError, Run, Step, StepKind, ToolCall
from refork.tool_policy.canonical_arguments import canonical
from refork.tool_policy.recorded_arguments import UNKNOWN
from refork.tool_policy.recorded_calls import RecordedCalls
from support.policies import ARGUMENTS, NAMES, runs

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def a_run(*steps: Step) -> Run:
    return Run(id="r", workflow="w", status="SUCCESS", steps=steps)


def tool(number: int, name: str, arguments: Any = None, **rest: Any) -> Step:
    made: dict[str, Any] = {"tool": name.rpartition(".")[2], "output": f"output {number}", **rest}
    return Step(number=number, name=name, kind=StepKind.TOOL, arguments=arguments, **made)


def model(number: int, *calls: tuple[str, Any], agent: str | None = None) -> Step:
    asked = tuple(ToolCall(name=name, arguments=arguments) for name, arguments in calls)
    return Step(
        number=number, name="model", kind=StepKind.MODEL, agent=agent, answer=Answer(tool_calls=asked)
    )


def taken(calls: RecordedCalls, name: str, arguments: Any = None) -> Any:
    recorded = calls.take(name, arguments)
    return None if recorded is None else recorded.number


# What is the same call.


@pytest.mark.parametrize(
    "same",
    [
        ({"a": 1, "b": [1.5]}, {"b": [1.5], "a": 1.0}),
        ({"a": 1}, '{ "a" :\n 1.0 }'),
        ({"a": -0.0}, {"a": 0}),
        ({"a": 1e22}, {"a": 10**22}),
        ({"a": "é"}, '{"a": "\\u00e9"}'),
        ({"a": float("nan")}, '{"a": NaN}'),
        ({}, None),
        ({}, ""),
        ({}, "{}"),
        ({"a": (1, 2)}, {"a": [1, 2]}),
    ],
)
def test_the_same_arguments_are_one_text(same: tuple[Any, Any]) -> None:
    assert canonical(same[0]) == canonical(same[1])


@pytest.mark.parametrize(
    "different",
    [
        ({"a": 1}, {"a": True}),
        ({"a": 0}, {"a": None}),
        ({"a": 1}, {"a": "1"}),
        ({"a": None}, {}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": "x"}, {"a": "x "}),
        ({"a": "\u00e9"}, {"a": "e\u0301"}),
        ({"a": 2**53}, {"a": 2**53 + 1}),
        ('{"a": 1', {"a": 1}),
        ({"a": "[1]"}, {"a": [1]}),
    ],
)
def test_other_arguments_are_another_text(different: tuple[Any, Any]) -> None:
    assert canonical(different[0]) != canonical(different[1])


@given(value=JSON, indent=st.none() | st.integers(0, 3), ascii=st.booleans())
def test_the_way_json_is_written_does_not_matter(value: Any, indent: int | None, ascii: bool) -> None:
    written = json.dumps({"value": value}, indent=indent, ensure_ascii=ascii)
    assert canonical(written) == canonical({"value": value})


@given(one=JSON, other=JSON)
def test_only_equal_json_is_one_text(one: Any, other: Any) -> None:
    def typed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: typed(part) for key, part in value.items()}
        return [typed(part) for part in value] if isinstance(value, list) else (type(value) is bool, value)

    if canonical([one]) == canonical([other]) and "NaN" not in canonical([one]):
        assert typed(one) == typed(other)


# What is handed out.


def test_the_output_the_error_and_the_child_of_a_call_come_back() -> None:
    error = RecordedError(type="ValueError", message="no such table")
    calls = RecordedCalls(
        a_run(
            tool(1, "a", {"x": 1}, output={"rows": []}),
            tool(2, "b", {}, output=None, error=error),
            tool(3, "child", {}, output=None, child_run="r-3"),
        )
    )
    first, second, third = (calls.take("a", {"x": 1.0}), calls.take("b", None), calls.take("child", {}))
    assert first is not None
    assert second is not None
    assert third is not None
    assert (first.output, second.error, third.child_run) == ({"rows": []}, error, "r-3")


def test_a_call_recorded_several_times_is_handed_out_in_order_and_then_the_last_again() -> None:
    calls = RecordedCalls(a_run(*(tool(number, "status", {}) for number in (1, 2, 3))))
    assert [taken(calls, "status") for _ in range(5)] == [1, 2, 3, 3, 3]


def test_calls_from_the_fork_point_on_come_first() -> None:
    steps = (tool(1, "status", {}), tool(2, "once", {}), tool(3, "status", {}), tool(4, "status", {}))
    calls = RecordedCalls(a_run(*steps), start=3)
    assert [taken(calls, "status") for _ in range(3)] == [3, 4, 4]
    assert [taken(calls, "once") for _ in range(2)] == [2, 2]
    assert (
        taken(RecordedCalls(a_run(*steps[:2], tool(5, "x", {}), tool(2, "status", {})), start=5), "status")
        == 2
    )


def test_each_trial_begins_anew() -> None:
    calls = RecordedCalls(a_run(tool(1, "status", {}), tool(2, "status", {})))
    assert taken(calls, "status") == 1
    other = calls.fresh()
    assert [taken(other, "status"), taken(calls, "status"), taken(other, "status")] == [1, 2, 2]


def test_other_arguments_and_other_tools_get_nothing() -> None:
    calls = RecordedCalls(a_run(tool(1, "a", {"x": 1})))
    assert [taken(calls, "a", {"x": 2}), taken(calls, "a"), taken(calls, "b", {"x": 1})] == [None] * 3


def test_a_step_is_found_by_its_whole_name_and_by_its_last_part_where_that_is_one_steps() -> None:
    calls = RecordedCalls(a_run(tool(1, "A.get", {}), tool(2, "A.put", {}), tool(3, "B.put", {})))
    assert [taken(calls, name) for name in ("A.get", "get", "A.put", "B.put")] == [1, 1, 2, 3]
    assert taken(calls, "put") is None
    assert taken(calls, "B.get") is None


def test_a_tool_is_found_by_the_name_that_the_model_saw() -> None:
    calls = RecordedCalls(a_run(tool(1, "query_database", {}, tool="run_sql")))
    assert taken(calls, "run_sql") == 1


def test_a_call_whose_arguments_nobody_knows_is_never_handed_out() -> None:
    calls = RecordedCalls(a_run(tool(1, "a")))
    assert [taken(calls, "a"), taken(calls, "a", {})] == [None, None]
    assert "a, whose arguments are not on record" in calls.nearest("a", {})


def test_arguments_that_cannot_become_json_are_those_of_no_recorded_call() -> None:
    calls = RecordedCalls(a_run(tool(1, "a", {}), tool(2, "a")))
    assert taken(calls, "a", UNKNOWN) is None
    assert "nearest that was recorded" in calls.nearest("a", UNKNOWN)


@given(run=runs(), name=NAMES, arguments=ARGUMENTS)
def test_what_is_handed_out_was_recorded_under_that_name_with_those_arguments(
    run: Run, name: str, arguments: Any
) -> None:
    same: list[int | None] = [
        step.number
        for step in run.steps
        if step.name == name and step.arguments is not None and step.arguments == arguments
    ]
    calls = RecordedCalls(run)
    if any(step.name == name for step in run.steps):
        expected: list[int | None] = [*same, *same[-1:] * 2] or [None, None]
        assert [taken(calls, name, arguments) for _ in range(len(same) + 2)] == expected


# Arguments that only the model's answer tells.


def test_arguments_come_from_the_answer_that_asked_for_the_tool() -> None:
    run = a_run(
        model(1, ("a", {"x": 1}), ("b", '{"y": 1}'), ("a", {"x": 2})),
        tool(2, "a"),
        tool(3, "b"),
        tool(4, "a"),
    )
    calls = RecordedCalls(run)
    assert [taken(calls, "a", {"x": 1}), taken(calls, "a", {"x": 2}), taken(calls, "b", {"y": 1.0})] == [
        2,
        4,
        3,
    ]


def test_a_call_is_known_by_what_the_model_wrote_and_by_what_the_function_got() -> None:
    calls = RecordedCalls(a_run(model(1, ("a", {"x": 1})), tool(2, "a", {"x": 1, "limit": 10})))
    given = ({"x": 1}, {"x": 1, "limit": 10}, {"x": 1, "limit": 5})
    assert [taken(calls, "a", arguments) for arguments in given] == [2, 2, None]


def test_each_turn_has_its_own_calls() -> None:
    calls = RecordedCalls(
        a_run(model(1, ("a", {"x": 1})), tool(2, "a"), model(3, ("a", {"x": 2})), tool(4, "a"))
    )
    assert [taken(calls, "a", {"x": 2}), taken(calls, "a", {"x": 1})] == [4, 2]


def test_an_agent_that_is_a_tool_does_not_end_the_turn_of_its_caller() -> None:
    calls = RecordedCalls(
        a_run(
            model(1, ("ask", {"q": "?"}), ("a", {"x": 1}), agent="outer"),
            model(2, ("b", {"x": 2}), agent="inner"),
            tool(3, "b"),
            tool(4, "a"),
        )
    )
    assert [taken(calls, "a", {"x": 1}), taken(calls, "b", {"x": 2})] == [4, 3]


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param((model(1, ("a", {"x": 1}), ("a", {"x": 2})), tool(2, "a")), id="a call without a step"),
        pytest.param((model(1, ("a", {"x": 1})), tool(2, "a"), tool(3, "a")), id="a step without a call"),
        pytest.param(
            (
                model(1, ("a", {"x": 1}), agent="outer"),
                model(2, ("a", {"x": 2}), agent="inner"),
                tool(3, "a"),
                tool(4, "a"),
            ),
            id="two agents that asked for it",
        ),
    ],
)
def test_arguments_that_are_in_doubt_are_unknown(steps: tuple[Step, ...]) -> None:
    calls = RecordedCalls(a_run(*steps))
    assert [taken(calls, "a", {"x": 1}), taken(calls, "a", {"x": 2})] == [None, None]


def test_a_call_that_was_cut_off_leaves_no_doubt_where_all_are_the_same() -> None:
    calls = RecordedCalls(a_run(model(1, ("a", {"x": 1}), ("a", '{"x": 1.0}')), tool(2, "a")))
    assert taken(calls, "a", {"x": 1}) == 2


# The nearest.


def test_the_nearest_call_is_of_the_same_tool_where_there_is_one() -> None:
    calls = RecordedCalls(
        a_run(
            tool(1, "run_sql", {"query": "SELECT month FROM sales"}),
            tool(2, "run_sql", {"query": "DROP TABLE x"}),
            tool(3, "other", {"query": "SELECT months FROM sales"}),
        )
    )
    assert calls.nearest("run_sql", {"query": "SELECT months FROM sales"}) == (
        'the nearest that was recorded is step 1, run_sql({"query":"SELECT month FROM sales"})'
    )


def test_without_the_tool_the_nearest_of_any_is_named() -> None:
    calls = RecordedCalls(a_run(model(1), tool(2, "send", {"to": "a"}), tool(3, "run_sql", {"query": "x"})))
    assert calls.nearest("runsql", {"query": "x"}) == (
        'no call of \'runsql\' was recorded; the nearest is step 3, run_sql({"query":"x"})'
    )
    assert RecordedCalls(a_run(model(1))).nearest("a", {}) == "no call of any tool or step was recorded"


def test_the_nearest_call_is_one_short_line_that_shows_the_difference() -> None:
    long = "SELECT\n" + "column, " * 500
    calls = RecordedCalls(a_run(tool(1, "run_sql", {"query": long + "LIMIT 5"})))
    said = calls.nearest("run_sql", {"query": long + "LIMIT 6"})
    assert "\n" not in said
    assert len(said) < 250
    assert "LIMIT 5" in said


def test_the_nearest_of_thousands_is_found_at_once() -> None:
    calls = RecordedCalls(a_run(*(tool(n, "a", {"x": f"{n:05}" * 300}) for n in range(3000))))
    assert "step 1234," in calls.nearest("a", {"x": "01234" * 299})


@given(run=runs(), name=NAMES, arguments=JSON)
def test_the_nearest_is_always_one_line(run: Run, name: str, arguments: Any) -> None:
    said = RecordedCalls(run).nearest(name, arguments)
    assert said
    assert said.isprintable()
