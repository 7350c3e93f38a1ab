"""``refork.scan``: scores recorded runs by the scorers of cases, or by functions of the project's."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from refork.api import awaited, database_of
from refork.case_capture.recorded_runs import RecordedRuns, open_recorded_runs
from refork.config import load_config
from refork.errors import BadInputError
from refork.records import Run
from refork.text.numbers import plural

from refork_evals.scan.broken_steps import judge_calls
from refork_evals.scan.checking.checks import RunCheck, checked
from refork_evals.scan.checking.expectations import Entry, ExpectationCheck
from refork_evals.scan.checking.functions import Function
from refork_evals.scan.checking.wanted import Wanted
from refork_evals.scan.results import Scan
from refork_evals.scan.tally import Tally
from refork_evals.trials import run_to_end

AT_ONCE: Final = 8
"""Runs that are scored side by side: a judge answers slowly."""


def scan(
    db: str | None = None,
    *,
    expect: str | Entry | Sequence[str | Entry] = (),
    check: "str | Function | Sequence[str | Function]" = (),
    workflow: str | None = None,
    since: datetime | None = None,
    last: int | None = None,
    judge: bool = False,
    project: str | Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    on_note: Callable[[str], None] | None = None,
) -> Scan:
    """Score the recorded runs of a DBOS system database, and count which fail. Makes no call of a model.

    ``expect`` is written as in ``case.yaml``, as data or YAML. ``check`` is a function that takes a
    :class:`~refork.records.Run`, or ``"module:function"``; it returns None or True if the run is fine, False, or
    ``(failed, step, name)``, or a list of these. ``workflow``, ``since`` and ``last`` (the newest) choose the runs.
    Expectations that ask a judge are refused unless ``judge``. ``project`` is the folder of the application
    (default: the current folder). ``on_progress`` is called with the number of scored runs and of all runs.

    A run is scored as a tail from its first step on: its result, with every tool call. Raises BadInputError for a
    wrong argument, and DatabaseError if the database cannot be read.
    """
    config = load_config(Path.cwd() if project is None else Path(project))
    wanted = Wanted.of(expect, check)
    found = open_recorded_runs(
        database_of(db), config, workflow=workflow, since=since, last=last, on_note=on_note or _ignore
    )
    with found as runs:
        _check_judges(wanted.expectations, runs, judge=judge)
        return run_to_end(_scanned(runs, wanted.checks(), on_progress or _ignore))


scan_async = awaited(scan)


def _ignore(*_: object) -> None:
    return None


def _check_judges(expectations: Iterable[ExpectationCheck], runs: RecordedRuns, *, judge: bool) -> None:
    each = sum(judge_calls(check.scorer) for check in expectations)
    if each and not judge:
        raise BadInputError(
            f"the expectations ask a model: {plural(each, 'call')} for each of {plural(len(runs), 'run')}, "
            f"up to {plural(each * len(runs), 'call')}; allow that with --judge, or take fewer runs with --last"
        )


async def _scanned(
    runs: RecordedRuns, checks: Sequence[RunCheck], on_progress: Callable[[int, int], None]
) -> Scan:
    tally, done = Tally(), 0
    for some in _portions(iter(runs)):
        results = await asyncio.gather(*(checked(run, checks) for run in some))
        for run, result in zip(some, results, strict=True):
            if isinstance(result, str):
                tally.not_scored(result)
            else:
                await tally.add(run, result)
        done += len(some)
        on_progress(done, len(runs))
    return tally.result(in_progress=runs.in_progress)


def _portions(runs: Iterator[Run]) -> Iterator[Sequence[Run]]:
    while some := [*islice(runs, AT_ONCE)]:
        yield some
