"""Where a run is forked when nobody says so."""

from dataclasses import replace

import pytest
from refork.case_capture.failures import failed_child
from refork.case_capture.fork_points import fork_points_of
from refork.dbos.reader.recordings import Flag
from refork.errors import BadInputError, StepNotFoundError
from refork.records import RecordedError, Run, Step, StepKind

KINDS = {"m": StepKind.MODEL, "t": StepKind.TOOL, "o": StepKind.OTHER}
FAILURE = RecordedError(type="ValueError", message="broken")


def run_of(kinds: str, *, fails_at: int | None = None) -> Run:
    """A run with a step for each letter: a model's, a tool's, another one's, or an operation of DBOS."""
    steps = [
        Step(
            number=number,
            name="DBOS.sleep" if kind == "d" else f"step_{number}",
            kind=KINDS.get(kind, StepKind.OTHER),
        )
        for number, kind in enumerate(kinds, 1)
    ]
    if fails_at is not None:
        steps[fails_at - 1] = replace(steps[fails_at - 1], error=FAILURE)
    return Run(
        id="run-1",
        workflow="work",
        status="SUCCESS" if fails_at is None else "ERROR",
        error=None if fails_at is None else FAILURE,
        steps=tuple(steps),
    )


def flags(*steps: int | str | None) -> list[Flag]:
    return [Flag(reason="wrong", step=step, at=None) for step in steps]


@pytest.mark.parametrize(
    ("run", "named", "points", "is_sure"),
    [
        (run_of("mtm", fails_at=3), flags(1), [1], True),
        (run_of("mtm"), flags("step_1", None), [1], True),
        (run_of("mtm"), flags(3, 1, "step_3"), [1, 3], True),
        (run_of("mtmt", fails_at=2), flags(None), [1], True),
        (run_of("mtmm", fails_at=3), [], [3], True),
        (run_of("tmt"), [], [2], True),
        (run_of("dod"), [], [2], True),
        (run_of("mtmt"), [], [3], False),
        (run_of("mtmt"), flags(None), [3], False),
    ],
)
def test_flags_come_before_failures_and_these_before_the_last_model_step(
    run: Run, named: list[Flag], points: list[int], is_sure: bool
) -> None:
    found = fork_points_of(run, named)
    assert ([step.number for step in found.steps], found.is_sure) == (points, is_sure)


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (run_of("tm", fails_at=1), "no model step stands before what failed"),
        (run_of("tt", fails_at=1), "it has no model step"),
        (run_of("tt"), "it has no model step"),
        (run_of("dd"), "it has no model step"),
    ],
)
def test_a_run_with_several_steps_and_none_that_asks_a_model_needs_a_step(run: Run, said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        fork_points_of(run, [])


def test_a_run_that_its_child_ended_points_to_the_child() -> None:
    run = run_of("oo", fails_at=2)
    steps = (run.steps[0], replace(run.steps[1], child_run="run-1-1"))
    assert failed_child(replace(run, steps=steps)) == "run-1-1"
    with pytest.raises(BadInputError, match=r"arose in its child run 'run-1-1', .*: capture the child"):
        fork_points_of(replace(run, steps=steps), [])


def test_a_flag_of_a_step_that_is_not_there_says_so() -> None:
    with pytest.raises(
        StepNotFoundError, match=r"a flag of the run names step 9, .* its steps are 1 to 2; .*--step"
    ):
        fork_points_of(run_of("mm"), flags(9))
