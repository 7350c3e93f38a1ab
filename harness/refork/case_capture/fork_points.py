"""Chooses the fork point of a run if none is given, by the same rule for ``refork capture RUN`` and ``--where``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from refork.case_capture.case_writer import find_step, runs_a_function
from refork.case_capture.failures import broken_step
from refork.dbos.reader.recordings import Flag
from refork.errors import BadInputError, StepNotFoundError
from refork.records import Run, Step, StepKind

_NO_MODEL_STEP: Final = "it has no model step; name a step with --step"


@dataclass(frozen=True, kw_only=True)
class ForkPoints:
    """The steps to fork at. ``is_sure`` is True if the run itself shows them; otherwise the last model step is a
    guess.
    """

    steps: Sequence[Step]
    is_sure: bool = True


def fork_points_of(run: Run, flags: Sequence[Flag]) -> ForkPoints:
    """Choose where to fork ``run``.

    The steps that its flags name come first; then, of a failed run, the model step that failed or the last one
    before it; then the only step that can be meant; then the last model step. Raises BadInputError where there is
    none, and StepNotFoundError for a flag that names no step of the run.
    """
    named = {str(flag.step): flag for flag in flags if flag.step is not None}
    if named:
        found = {step.number: step for step in (_flagged(run, flag) for flag in named.values())}
        return ForkPoints(steps=[found[number] for number in sorted(found)])
    models = [step for step in run.steps if step.kind is StepKind.MODEL]
    broken = broken_step(run)
    if broken is not None:
        return ForkPoints(steps=[_before(models, broken)])
    if len(models) > 1:
        return ForkPoints(steps=[models[-1]], is_sure=False)
    return ForkPoints(steps=[_only(run, models)])


def _flagged(run: Run, flag: Flag) -> Step:
    try:
        return find_step(run, str(flag.step))
    except StepNotFoundError as error:
        raise StepNotFoundError(
            f"a flag of the run names step {flag.step!r}, but {error}; say where to fork with --step"
        ) from None


def _before(models: Sequence[Step], broken: Step) -> Step:
    before = [step for step in models if step.number <= broken.number]
    if before:
        return before[-1]
    if broken.child_run is not None:
        raise BadInputError(
            f"its error arose in its child run {broken.child_run!r}, and no model step stands before that: "
            "capture the child"
        )
    if models:
        raise BadInputError("no model step stands before what failed; name one with --step")
    raise BadInputError(_NO_MODEL_STEP)


def _only(run: Run, models: Sequence[Step]) -> Step:
    if models:
        return models[0]
    others = [step for step in run.steps if runs_a_function(step)]
    if len(others) == 1:
        return others[0]
    raise BadInputError(_NO_MODEL_STEP)
