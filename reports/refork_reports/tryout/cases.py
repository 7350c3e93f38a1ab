"""Makes cases of recorded runs to ask a question of. They lie in the user's cache folder until somebody saves one."""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from refork.case_capture.case_writer import capture, check_finished, check_fork_point, find_step
from refork.case_capture.fork_points import fork_points_of
from refork.case_capture.loader import LoadedRun, Loader
from refork.case_capture.matching import matching_runs
from refork.case_capture.run_filter import parsed
from refork.config import Config
from refork.errors import BadInputError
from refork.records import Case, Step
from refork.storage.cache_folder import usable_folder

FOLDER: Final = "try"
_LONGEST_NAME: Final = 40


@dataclass(frozen=True, kw_only=True)
class Target:
    """A run, by its id or the beginning of one, and a step: its number, or the name of its agent. None: chosen."""

    run: str
    step: str | None = None


def target_of(text: str) -> Target:
    """Read ``RUN@STEP`` or ``RUN``. Raises BadInputError where one of them is empty."""
    run, sign, step = text.rpartition("@")
    run, step = (run, step) if sign else (text, "")
    if not run or (sign and not step):
        raise BadInputError(f"{text!r} is no run: write RUN@STEP, such as 3f2a@7, or RUN")
    return Target(run=run, step=step or None)


def folder_of(config: Config) -> Path:
    """The folder of these cases. A question that is asked again finds its answers there, and pays for none twice."""
    return usable_folder(config.root)[0] / FOLDER


def temporary_cases(
    db: str, targets: Iterable[Target], config: Config, *, on_note: Callable[[str], None]
) -> tuple[Case, ...]:
    """Load runs of a production database, and write a case of each that forks it at its step.

    The database is only read. ``on_note`` is given what a reader should know, such as how a fork point was chosen.
    Raises RunNotFoundError, StepNotFoundError, BadInputError for a run in progress or a step that cannot be a fork
    point, ValueNotPortableError for a value that must be registered first, and DatabaseError.
    """
    with Loader(db, config, on_note=on_note) as loader:
        return tuple(_temporary_case(loader, target, config, on_note) for target in targets)


def _temporary_case(loader: Loader, target: Target, config: Config, on_note: Callable[[str], None]) -> Case:
    loaded = loader.load(target.run)
    run = loaded.run
    check_finished(run)
    point, chosen = _fork_point(loaded, target)
    check_fork_point(run, point.number)
    for line in (chosen, loaded.missing):
        if line is not None:
            on_note(f"{run.id}: {line}")
    captured = capture(
        run,
        step=point.number,
        cases=folder_of(config),
        name=_name(run.id, point.number),
        problems=loaded.problems,
        force=True,
        steps=loaded.steps,
    )
    return captured.case


def matching_targets(db: str, filters: Sequence[str], config: Config, *, last: int) -> tuple[Target, ...]:
    """The newest ``last`` runs that match all ``filters`` of ``--where``. Raises BadInputError if none does."""
    found = tuple(Target(run=run) for run in matching_runs(db, parsed(filters), config, limit=last))
    if not found:
        raise BadInputError(
            f"no run matches --where {' --where '.join(map(repr, filters))}; see `refork runs`"
        )
    return found


def _fork_point(loaded: LoadedRun, target: Target) -> tuple[Step, str | None]:
    if target.step is not None:
        return find_step(loaded.run, target.step), None
    points = fork_points_of(loaded.run, loaded.flags)
    first = points.steps[0]
    if points.is_sure:
        return first, None
    return first, f"nothing says which step went wrong: forked at {first.number}, the last model step"


def _name(run: str, step: int) -> str:
    """A name for the case that tells it from every other, whatever the run is called."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", run).strip("-._")[:_LONGEST_NAME] or "run"
    if readable != run:
        readable = f"{readable}-{hashlib.sha256(run.encode()).hexdigest()[:8]}"
    return f"{readable}-{step}"
