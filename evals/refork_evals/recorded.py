"""Turns what production did at the fork point, or from there on, into a trial that does not run."""

from refork.records import Case, RecordedError, Step, StepKind
from refork.records.outcome import Trial, TrialError
from refork.records.variant import RECORDED
from refork.records.workflow_result import answer_of, calls_of, usage_of
from refork.values import decoded

from refork_evals.scorers.evidence import one_line

SUCCESS = "SUCCESS"


def recorded_trial(case: Case) -> Trial:
    """Return the recorded trial. It has neither answer nor error if the record has none, as for a cancelled run in
    ``tail`` scope.
    """
    return _tail(case) if case.scope == "tail" else _step(case.fork_point)


def _step(step: Step) -> Trial:
    answer = step.answer
    if answer is None and step.output is not None and step.kind is not StepKind.MODEL:
        answer = answer_of(decoded(step.output))
    return Trial(
        variant=RECORDED,
        number=0,
        answer=answer if step.error is None else None,
        error=_error(step.error, own=step.kind is not StepKind.MODEL),
        usage=step.usage,
        model=step.model,
        seconds=step.seconds or 0.0,
    )


def _tail(case: Case) -> Trial:
    run, steps = case.run, tuple(step for step in case.run.steps if step.number >= case.step)
    return Trial(
        variant=RECORDED,
        number=0,
        answer=answer_of(decoded(run.output), calls_of(steps))
        if run.error is None and run.status == SUCCESS
        else None,
        error=_error(run.error, own=True),
        usage=usage_of(steps),
        model=case.fork_point.model,
        seconds=_seconds(steps),
        trajectory=steps,
    )


def _seconds(steps: tuple[Step, ...]) -> float:
    starts = [step.started_at for step in steps if step.started_at is not None]
    ends = [step.completed_at for step in steps if step.completed_at is not None]
    return (max(ends) - min(starts)).total_seconds() if starts and ends else 0.0


def _error(error: RecordedError | None, *, own: bool) -> TrialError | None:
    return None if error is None else TrialError(type=error.type, message=one_line(error.message), own=own)
