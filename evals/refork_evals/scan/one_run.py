"""Checks one recorded run as a scan does, and says at which steps it fails."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from refork.case_capture.recorded_runs import open_recorded_run
from refork.config import load_config
from refork.errors import BadInputError
from refork.records import Run
from refork.redaction.texts import without_secrets

from refork_evals.scan.broken_steps import judge_calls
from refork_evals.scan.checking.checks import Problem, checked
from refork_evals.scan.checking.expectations import Entry
from refork_evals.scan.checking.functions import Function
from refork_evals.scan.checking.wanted import Wanted
from refork_evals.scan.tally import reason_of
from refork_evals.trials import run_to_end


@dataclass(frozen=True, kw_only=True)
class BrokenAt:
    """An expectation that a run does not meet, and the first step at which it is broken; None if that is not known.

    ``what`` is the expectation in one line, or the name that a function gave; ``reason`` quotes the run, without
    secrets.
    """

    step: int | None
    what: str
    reason: str


def check_run(
    db: str,
    run: str,
    *,
    expect: str | Entry | Sequence[str | Entry] = (),
    check: str | Function | Sequence[str | Function] = (),
    project: Path | None = None,
    on_note: Callable[[str], None],
) -> tuple[BrokenAt, ...] | str:
    """Return where ``run``, an id or the beginning of one, fails; a line if that cannot be known.

    The error that ended a run is not among it, since the run tells that itself. Makes no call of a model, so an
    expectation that asks a judge is refused. Raises BadInputError, RunNotFoundError and DatabaseError.
    """
    config = load_config(Path.cwd() if project is None else project)
    wanted = Wanted.of(expect, check)
    if any(judge_calls(each.scorer) for each in wanted.expectations):
        raise BadInputError("an expectation asks a model, which is not done for one run: leave it out")
    with open_recorded_run(db, config, run, on_note=on_note) as runs:
        checks = wanted.own_checks()
        for found in runs:
            problems = run_to_end(checked(found, checks))
            if isinstance(problems, str):
                return without_secrets(problems)
            return run_to_end(broken_places(found, problems))
    return "it is no longer there"


async def broken_places(run: Run, problems: Sequence[Problem]) -> tuple[BrokenAt, ...]:
    """Return the problems of a run without secrets, in the order of its steps."""
    found = [
        BrokenAt(
            step=None if problem.step is None else problem.step.number,
            what=without_secrets(problem.what),
            reason=await reason_of(run, problem),
        )
        for problem in problems
    ]
    return tuple(sorted(found, key=lambda broken: (broken.step is None, broken.step or 0)))
