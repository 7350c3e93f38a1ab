"""The Python API: list the runs of a production database, load one, and capture it as a case.

Commands and notebooks call these functions.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from refork.hosts import check_hosts
from refork.hosts.dbos import DBOS

check_hosts((DBOS,))  # before what needs them is imported: a sentence, and no ImportError

from refork.case_capture.case_writer import capture as write_case  # noqa: E402
from refork.case_capture.case_writer import check_finished, check_fork_point, find_step  # noqa: E402
from refork.case_capture.failures import run_name  # noqa: E402
from refork.case_capture.fork_points import fork_points_of  # noqa: E402
from refork.case_capture.loader import LoadedRun, Loader, Redaction  # noqa: E402
from refork.case_files.case_file import load_case as read_case  # noqa: E402
from refork.case_files.finding import case_file_at, case_file_named  # noqa: E402
from refork.config import Config, load_config  # noqa: E402
from refork.dbos.reader.reader import Reader  # noqa: E402
from refork.dbos.reader.recordings import DATABASE_VARIABLE, RunSummary  # noqa: E402
from refork.errors import BadInputError  # noqa: E402
from refork.records import Case, Run  # noqa: E402
from refork.redaction import checked_kinds  # noqa: E402

P = ParamSpec("P")
R = TypeVar("R")


def runs(
    db: str | None = None,
    *,
    status: str | Sequence[str] = (),
    workflow: str | None = None,
    since: datetime | None = None,
    flagged: bool = False,
    limit: int = 20,
) -> list[RunSummary]:
    """List the runs of a DBOS system database, newest first. The database is only read.

    ``db`` is its URL (default: the variable DBOS_SYSTEM_DATABASE_URL). ``status`` is one status or several, such as
    ``"error"``. ``workflow`` is a workflow's name. ``since`` leaves out older runs. ``flagged`` keeps only runs that
    ``refork.flag`` marked. ``limit`` is the maximum number of runs.

    Returns summaries without steps. Raises BadInputError for a wrong argument, and DatabaseError if the database
    cannot be read.
    """
    wanted = [status] if isinstance(status, str) else [*status]
    with Reader(database_of(db)) as reader:
        found = reader.runs(status=wanted, workflow=workflow, since=since, limit=limit, flagged=flagged)
    return [*found]


def load_run(
    run: str,
    db: str | None = None,
    *,
    project: str | Path | None = None,
    replay: bool | None = None,
    redact: Sequence[str] = (),
) -> Run:
    """Load a run with all its steps: the request of each, if a replay finds it, and the answer.

    ``run`` is an id or the beginning of one. ``project`` is the folder of the application (default: the current
    folder), whose modules are imported for the replay. ``replay`` says whether to make a replay (None: unless the run
    is large). Secrets are replaced; ``redact`` also replaces personal data of these kinds: ``emails``, ``phones``,
    ``cards``, ``ips``, ``ibans``.

    Raises RunNotFoundError, BadInputError for a wrong argument, and DatabaseError if the database cannot be read.
    """
    with _loader(db, _config(project), replay=replay, redact=redact) as loader:
        loaded = loader.load(run)
        return replace(loaded.run, steps=tuple(loaded.steps))


def capture(
    run: str,
    db: str | None = None,
    *,
    name: str | None = None,
    step: int | str | None = None,
    agent: str | None = None,
    guard: bool = False,
    force: bool = False,
    in_progress: bool = False,
    project: str | Path | None = None,
    replay: bool | None = None,
    redact: Sequence[str] = (),
) -> Case:
    """Write a run as a case into the project's folder of cases, and return the case.

    ``step`` is the fork point: a step's number or the name of its agent (default: the step that a flag names, or the
    one that failed, or else the last model step). ``name`` is the name of the case (default: made from workflow and
    agent). ``guard`` marks a run that went well. ``force`` replaces the run of an existing case. ``in_progress``
    accepts a run that has not ended. The other arguments are those of :func:`load_run`.

    Raises RunNotFoundError, StepNotFoundError, BadInputError for a step that cannot be a fork point or a name that is
    taken, ValueNotPortableError for a value that must be registered first, and DatabaseError if the database cannot
    be read.
    """
    config = _config(project)
    with _loader(db, config, replay=replay, redact=redact) as loader:
        loaded = loader.load(run)
        if not in_progress:
            check_finished(loaded.run)
        number = _fork_point(loaded, step)
        check_fork_point(loaded.run, number)
        point = find_step(loaded.run, str(number))
        captured = write_case(
            loaded.run,
            step=number,
            cases=config.cases,
            name=name or run_name(loaded.run, point),
            problems=loaded.problems,
            agent=agent,
            guard=guard,
            force=force,
            in_progress=in_progress,
            steps=loaded.steps,
        )
        return captured.case


def load_case(case: str | Path, *, project: str | Path | None = None) -> Case:
    """Load a case: by its name in the project's folder of cases, by its folder, or by its ``case.yaml``.

    Raises BadInputError if there is no such case, and BadFileError if one of its files is invalid.
    """
    return read_case(case_file_at(Path(case)) or case_file_named(str(case), _config(project).cases))


def awaited(function: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Return a coroutine function that runs ``function`` on a thread."""

    @wraps(function)
    async def twin(*args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(function, *args, **kwargs)

    return twin


load_run_async = awaited(load_run)
capture_async = awaited(capture)


def database_of(db: str | None) -> str:
    """The URL of a production database, by default that of the environment. Raises BadInputError if neither is
    given.
    """
    found = db or os.environ.get(DATABASE_VARIABLE)
    if not found:
        raise BadInputError(
            f"db is missing: give the URL of a DBOS system database, or set {DATABASE_VARIABLE}"
        )
    return found


def _config(project: str | Path | None) -> Config:
    return load_config(Path.cwd() if project is None else Path(project))


def _loader(db: str | None, config: Config, *, replay: bool | None, redact: Sequence[str]) -> Loader:
    kinds = checked_kinds(",".join(redact)) if redact else ()
    return Loader(database_of(db), config, redaction=Redaction(kinds=kinds), replay=replay)


def _fork_point(loaded: LoadedRun, step: int | str | None) -> int:
    if step is not None:
        return find_step(loaded.run, str(step)).number
    points = fork_points_of(loaded.run, loaded.flags).steps
    if len(points) > 1:
        numbers = ", ".join(str(point.number) for point in points)
        raise BadInputError(f"flags name the steps {numbers} of run {loaded.run.id!r}: say which as step=...")
    return points[0].number
