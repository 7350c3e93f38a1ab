"""Folding: DBOS's plumbing and calls that repeat go into a row, and nothing that says something does."""

from collections.abc import Sequence

from refork.records import Answer, RecordedError, Run, Step, StepKind, ToolCall
from refork_reports.views.run_pages.step_rows import Fold, step_rows


def run_of(*steps: Step) -> Run:
    return Run(id="r", workflow="w", status="SUCCESS", steps=steps)


def model(number: int, *calls: tuple[str, object], text: str = "") -> Step:
    asked = tuple(ToolCall(name=name, arguments=arguments) for name, arguments in calls)
    return Step(
        number=number, name="ask", kind=StepKind.MODEL, agent="a", answer=Answer(text=text, tool_calls=asked)
    )


def tool(number: int, name: str, output: object = None) -> Step:
    return Step(number=number, name=name, kind=StepKind.TOOL, tool=name, output=output)


def shown(run: Run, *, keep: Sequence[int] = ()) -> list[object]:
    """Return numbers of steps, and of a fold its kind, its first and last number and its rounds."""
    return [
        (row.kind, row.steps[0].number, row.steps[-1].number, row.rounds)
        if isinstance(row, Fold)
        else row.number
        for row in step_rows(run, shown=keep)
    ]


def polled(times: int, *, argument: str = "x") -> list[Step]:
    steps: list[Step] = []
    for turn in range(times):
        steps += [
            model(2 * turn + 1, ("check", {"id": argument}), text=f"again {turn}"),
            tool(2 * turn + 2, "check", "done" if turn == times - 1 else "pending"),
        ]
    return steps


def test_28_times_the_same_call_are_one_call_and_a_fold() -> None:
    assert shown(run_of(*polled(28))) == [1, 2, ("repeated", 3, 56, 27)]


def test_calls_with_other_arguments_are_not_folded() -> None:
    steps = [each for turn in range(5) for each in (model(2 * turn + 1, ("check", turn)),)]
    assert shown(run_of(*steps)) == [1, 3, 5, 7, 9]


def test_a_call_that_comes_twice_is_not_folded() -> None:
    assert shown(run_of(*polled(2))) == [1, 2, 3, 4]


def test_a_step_whose_arguments_nobody_knows_repeats_only_with_the_same_output() -> None:
    same = [Step(number=n, name="load", output="page") for n in range(1, 5)]
    other = [Step(number=n, name="load", output=f"page {n}") for n in range(1, 5)]
    assert shown(run_of(*same)) == [1, ("repeated", 2, 4, 3)]
    assert shown(run_of(*other)) == [1, 2, 3, 4]


def test_dbos_own_steps_are_folded_where_they_stand_and_the_users_turns_are_not() -> None:
    steps = (
        Step(number=1, name="DBOS.recv", output="hello"),
        Step(number=2, name="DBOS.sleep"),
        model(3, text="hi"),
        Step(number=4, name="DBOS.writeStream"),
        Step(number=5, name="DBOS.setEvent"),
        Step(number=6, name="DBOS.recv"),
        Step(number=7, name="DBOS.send"),
    )
    assert shown(run_of(*steps)) == [1, ("plumbing", 2, 2, 0), 3, ("plumbing", 4, 6, 0), 7]


def test_plumbing_between_calls_that_repeat_goes_into_their_fold() -> None:
    steps: list[Step] = []
    for turn in range(4):
        at = 3 * turn
        steps += [model(at + 1, ("check", {})), tool(at + 2, "check"), Step(number=at + 3, name="DBOS.sleep")]
    assert shown(run_of(*steps)) == [
        1,
        2,
        ("plumbing", 3, 3, 0),
        ("repeated", 4, 11, 3),
        ("plumbing", 12, 12, 0),
    ]


def test_a_step_that_is_marked_is_never_folded() -> None:
    rows = shown(run_of(*polled(9)), keep=[10])
    assert 10 in rows
    assert shown(run_of(Step(number=1, name="DBOS.sleep")), keep=[1]) == [1]


def test_an_error_of_dbos_own_step_is_shown() -> None:
    error = RecordedError(type="Timeout", message="")
    assert shown(run_of(Step(number=1, name="DBOS.getEvent", error=error))) == [1]


def test_every_step_is_in_exactly_one_row() -> None:
    run = run_of(*polled(7), *(Step(number=n, name="DBOS.sleep") for n in range(15, 20)), tool(20, "end"))
    rows = step_rows(run)
    numbers = [step.number for row in rows for step in (row.steps if isinstance(row, Fold) else (row,))]
    assert numbers == [step.number for step in run.steps]
