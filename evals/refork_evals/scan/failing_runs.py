"""Finds the newest runs that failed: by expectations, by functions, or by what the project's cases expect."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from refork.case_capture.failures import broken_step
from refork.case_capture.recorded_runs import RecordedRuns, open_recorded_runs
from refork.config import load_config
from refork.errors import BadInputError
from refork.records import Run
from refork.redaction.texts import without_secrets

from refork_evals.scan.broken_steps import judge_calls
from refork_evals.scan.checking.case_checks import case_checks, describe
from refork_evals.scan.checking.checks import Problem, RunCheck, checked
from refork_evals.scan.checking.expectations import Entry
from refork_evals.scan.checking.functions import Function
from refork_evals.scan.checking.wanted import Wanted
from refork_evals.scan.one_run import BrokenAt, broken_places
from refork_evals.scorers.evidence import one_line
from refork_evals.trials import run_to_end

_WINDOW: Final = 50
"""Runs that are checked before it is looked whether enough were found."""


@dataclass(frozen=True, kw_only=True)
class FailingRun:
    """A run, by its id, and why it fails."""

    id: str
    broken: tuple[BrokenAt, ...]


@dataclass(frozen=True, kw_only=True)
class FailingRuns:
    """Failing runs, the newest first. ``looked_at`` were checked. ``applied`` says by what, if nobody told."""

    runs: tuple[FailingRun, ...]
    looked_at: int
    applied: str = ""


def failing_runs(
    db: str,
    *,
    expect: str | Entry | Sequence[str | Entry] = (),
    check: str | Function | Sequence[str | Function] = (),
    workflow: str | None = None,
    since: datetime | None = None,
    limit: int = 20,
    project: Path | None = None,
    on_note: Callable[[str], None],
) -> FailingRuns:
    """Find the newest ``limit`` runs that failed. Makes no call of a model.

    A run that ended with an error fails. Without ``expect`` and ``check`` the cases of the project say what else
    does. Raises BadInputError for a wrong argument, and DatabaseError.
    """
    config = load_config(Path.cwd() if project is None else project)
    wanted = Wanted.of(expect, check) if expect or check else None
    if wanted is not None and any(judge_calls(each.scorer) for each in wanted.expectations):
        raise BadInputError("an expectation asks a model: `refork scan --judge` says what that takes")
    with open_recorded_runs(db, config, workflow=workflow, since=since, on_note=on_note) as runs:
        checks: list[RunCheck] = [_Ended()]
        applied = ""
        if wanted is None:
            own = case_checks(config.cases, on_note=on_note)
            checks += own
            applied = describe(own)
        else:
            checks += wanted.own_checks()
        found, looked_at = _newest(runs, checks, limit)
    return FailingRuns(runs=tuple(found), looked_at=looked_at, applied=applied)


def _newest(runs: RecordedRuns, checks: Sequence[RunCheck], limit: int) -> tuple[list[FailingRun], int]:
    found: list[FailingRun] = []
    for start in range(0, len(runs.ids), _WINDOW):
        window = replace(runs, ids=runs.ids[start : start + _WINDOW])
        broken = {run.id: places for run in window if (places := run_to_end(_places(run, checks)))}
        found += [FailingRun(id=each, broken=broken[each]) for each in window.ids if each in broken]
        if len(found) >= limit:
            return found[:limit], min(start + _WINDOW, len(runs.ids))
    return found, len(runs.ids)


async def _places(run: Run, checks: Sequence[RunCheck]) -> tuple[BrokenAt, ...]:
    problems = await checked(run, checks)
    return () if isinstance(problems, str) else await broken_places(run, problems)


class _Ended:
    """A run fails if it ended with an error, at the step that raised it."""

    async def problems(self, run: Run) -> Sequence[Problem]:
        if run.error is None and run.status != "ERROR":
            return ()
        said = run.status if run.error is None else f"{run.error.type}: {run.error.message}"
        return (Problem(what=one_line(without_secrets(said)), name="error", step=broken_step(run)),)
