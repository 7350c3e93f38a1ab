"""Steps of two runs are put side by side, and the first difference is found."""

from refork.records import Answer, RecordedError, Step, StepKind, ToolCall
from refork_reports.views.run_pages.run_diff import first_difference, output_of, paired


def tool(number: int, name: str, output: object, **arguments: object) -> Step:
    return Step(
        number=number,
        name=name,
        kind=StepKind.TOOL,
        tool=name,
        output=output,
        arguments=dict(arguments) or None,
    )


def test_equal_runs_have_no_difference() -> None:
    steps = [tool(1, "look", "a", id=1), tool(2, "book", "b")]
    pairs = paired(steps, steps)
    assert [pair.is_equal for pair in pairs] == [True, True]
    assert first_difference(pairs) is None


def test_a_step_that_only_one_run_has_moves_no_other() -> None:
    before = [tool(1, "look", "a"), tool(2, "book", "b")]
    after = [tool(1, "look", "a"), tool(2, "check", "c"), tool(3, "book", "b")]
    found = [(p.before and p.before.number, p.after and p.after.number) for p in paired(before, after)]
    assert found == [(1, 1), (None, 2), (2, 3)]
    first = first_difference(paired(before, after))
    assert first is not None
    assert first.before is None


def test_other_arguments_or_outputs_make_steps_of_a_name_differ() -> None:
    before = [tool(1, "look", "a", id=1), tool(2, "look", "a", id=1)]
    after = [tool(1, "look", "a", id=2), tool(2, "look", "b", id=1)]
    first, second = paired(before, after)
    assert first.arguments == ('{"id": 1}', '{"id": 2}')
    assert second.outputs == ("a", "b")
    assert not first.is_equal
    assert not second.is_equal


def test_an_output_is_the_error_the_whole_answer_or_the_value() -> None:
    answer = Answer(text="one\ntwo", tool_calls=(ToolCall(name="f", arguments={"a": 1}),))
    error = RecordedError(type="ValueError", message="bad")
    assert output_of(Step(number=1, name="m", kind=StepKind.MODEL, answer=answer)) == 'one\ntwo\nf({"a": 1})'
    assert output_of(Step(number=1, name="m", error=error)) == "ValueError: bad"
    assert output_of(Step(number=1, name="m", output={"rows": []})) == '{"rows": []}'
    assert output_of(Step(number=1, name="m")) == ""
