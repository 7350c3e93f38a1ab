"""A recorded run as the input of scorers: its result, and every tool call from its first step on."""

from pathlib import Path

from refork.records import Case, Run
from refork.records.outcome import Trial
from refork.records.variant import RECORDED
from refork.records.workflow_result import answer_of, calls_of, usage_of
from refork.values import decoded

from refork_evals.recorded import SUCCESS
from refork_evals.scorers.protocol import Sample
from refork_evals.trials import sample_of


def has_result(run: Run) -> bool:
    """Return whether the workflow returned a result."""
    return run.error is None and run.status == SUCCESS


def whole_sample(run: Run) -> Sample:
    """The run as if it were a tail from its first step on. Without a result, its answer has no text."""
    answer = answer_of(decoded(run.output) if has_result(run) else "", calls_of(run.steps))
    model = next((step.model for step in run.steps if step.model is not None), None)
    trial = Trial(
        variant=RECORDED,
        number=0,
        answer=answer,
        usage=usage_of(run.steps),
        model=model,
        seconds=run.seconds or 0.0,
        trajectory=run.steps,
    )
    first = run.steps[0].number if run.steps else 0
    case = Case(name=run.id, folder=Path(), run=run, step=first, scope="tail")
    sample = sample_of(case, trial, None, run.seconds)
    assert sample is not None, "it has an answer"
    return sample
