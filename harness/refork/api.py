"""From Python: the runs of a production database, and what becomes of them. Commands and notebooks start here.

Each function that waits has a twin that ends in ``_async``, for code in an event loop: it does the same on a thread.
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
    """List the runs of a DBOS system database, the newest first. The database is only read.

    ``db`` is its URL (default: the variable DBOS_SYSTEM_DATABASE_URL). ``status`` is one status or several, such as
    ``"error"``; ``flagged`` keeps runs that ``refork.flag`` marked. Raises BadInputError and DatabaseError.
    """
    wanted = [status] if isinstance(status, str) else [*status]
    with Reader(_database(db)) as reader:
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
    """Load a run with all of its steps: what each was sent, where a replay can tell, and what it answered.

    ``run`` is an id or the beginning of one. ``project`` is the folder of the application (default: the current one),
    whose modules are imported for the replay; ``replay`` says whether to make one (None: unless the run is large).
    Secrets are replaced, and with ``redact`` also personal data of these kinds: ``emails``, ``phones``, ``cards``,
    ``ips``, ``ibans``. Raises RunNotFoundError, BadInputError and DatabaseError.
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

    ``step`` is the fork point, a step's number or the name of its agent (default: the one that flags name, or that
    failed; else the last model step). ``name`` is the case's (default: after workflow and agent). ``guard`` makes a
    test of a run that went well, ``force`` replaces the run of a case that exists, and ``in_progress`` takes a run that
    has not ended. The rest is as in :func:`load_run`. Raises BadInputError, StepNotFoundError, RunNotFoundError,
    ValueNotPortableError and DatabaseError.
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

    Raises BadInputError where there is none, and BadFileError for what is wrong in its files.
    """
    return read_case(case_file_at(Path(case)) or case_file_named(str(case), _config(project).cases))


def awaited(function: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """The twin of a function that is awaited: it runs on a thread."""

    @wraps(function)
    async def twin(*args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(function, *args, **kwargs)

    return twin


load_run_async = awaited(load_run)
capture_async = awaited(capture)


def _database(db: str | None) -> str:
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
    return Loader(_database(db), config, redaction=Redaction(kinds=kinds), replay=replay)


def _fork_point(loaded: LoadedRun, step: int | str | None) -> int:
    if step is not None:
        return find_step(loaded.run, str(step)).number
    points = fork_points_of(loaded.run, loaded.flags).steps
    if len(points) > 1:
        numbers = ", ".join(str(point.number) for point in points)
        raise BadInputError(f"flags name the steps {numbers} of run {loaded.run.id!r}: say which as step=...")
    return points[0].number
