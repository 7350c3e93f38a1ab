"""Writes a recorded run as a case folder: completely or not at all. What the user wrote is never replaced."""

import os
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from refork.case_files.case_file import CASE_FILE, load_case, save_case_yaml
from refork.case_files.large_values import fitted, fitted_head
from refork.case_files.run_file import RUN_FILE, save_run
from refork.dbos.reader.recordings import ACTIVE, Problem
from refork.errors import (
    BadFileError,
    BadInputError,
    StepNotFoundError,
    TypesNotRegisteredError,
    ValueNotPortableError,
)
from refork.records import Case, Run, Step, StepKind
from refork.storage.files import left_behind
from refork.text.lines import is_name, nearest, one_line
from refork.tool_policy import DBOS_PREFIX
from refork.values.found import is_plain_data, tag_of

LARGEST_READ_BACK: Final = 4_000_000
"""Bytes up to which a run.json is read back before it counts as written, because reading takes more memory than
writing.
"""


@dataclass(frozen=True, kw_only=True)
class Captured:
    """A case that was written. ``is_unchanged`` says that its ``case.yaml`` existed before and was not changed."""

    case: Case
    folder: Path
    is_unchanged: bool


@dataclass(frozen=True, kw_only=True)
class Fresh:
    """The fields of a new ``case.yaml`` that are known when the run is captured."""

    description: str = ""
    scope: str = "step"
    expect: tuple[Mapping[str, Any], ...] = ()


def capture(
    run: Run,
    *,
    step: int,
    cases: Path,
    name: str,
    problems: Sequence[Problem] = (),
    agent: str | None = None,
    guard: bool = False,
    force: bool = False,
    in_progress: bool = False,
    steps: Iterable[Step] | None = None,
    fresh: Fresh | None = None,
) -> Captured:
    """Write the case ``name`` into the folder ``cases``, with ``step`` of ``run`` as its fork point.

    If ``run`` contains only outlines of its steps, ``steps`` are the full ones, which are written one by one.
    ``in_progress`` accepts a run that has not ended, up to its last checkpoint. ``problems`` are those of reading the
    run. ``fresh`` is what a new ``case.yaml`` says already.

    Raises ValueNotPortableError for a problem in the input, or at or before the fork point. Raises BadInputError for
    a run in progress, for a step that cannot be a fork point, and for an invalid or existing name; with ``force`` the
    existing ``run.json`` is replaced and ``case.yaml`` is kept.
    """
    if not in_progress:
        check_finished(run)
    check_fork_point(run, step)
    _check_portable(problems, step)
    check_name(name)
    folder = cases / name
    _check_folder(folder, force=force)
    whole = run.steps if steps is None else steps
    if (folder / CASE_FILE).exists():
        return _recapture(run, whole, step=step, folder=folder, agent=agent, guard=guard)
    with _Staged(folder) as staged:
        _save(staged, run, whole, step)
        said = fresh or Fresh()
        save_case_yaml(
            staged,
            run=run,
            step=step,
            agent=agent,
            guard=guard,
            description=said.description,
            scope=said.scope,
            expect=said.expect,
        )
        case = _loaded(staged, folder, run)
        _move(staged, folder)
    return Captured(case=replace(case, folder=folder), folder=folder, is_unchanged=False)


def _save(staged: Path, run: Run, steps: Iterable[Step], fork_point: int) -> None:
    save_run(staged, fitted_head(run), steps=(fitted(step, fork_point=fork_point) for step in steps))


def check_finished(run: Run) -> None:
    """Raise BadInputError for a run that has not ended, because its steps are still being written."""
    if run.status in ACTIVE:
        raise BadInputError(
            f"run {run.id!r} is still in progress ({run.status}): "
            "capture it once it has ended, or up to its last checkpoint with --in-progress"
        )


def check_fork_point(run: Run, step: int) -> None:
    """Raise BadInputError for an operation of DBOS itself, and StepNotFoundError if the run has no such step."""
    found = find_step(run, str(step))
    if runs_a_function(found):
        return
    raise BadInputError(
        f"step {found.number} ({one_line(found.label or found.name)!r}) runs no function, so it cannot be a "
        f"fork point{_model_steps(run)}"
    )


def runs_a_function(step: Step) -> bool:
    """Return whether a step can be a fork point. DBOS's own operations and child workflows cannot."""
    return not step.name.startswith(DBOS_PREFIX) and step.child_run is None


def find_step(run: Run, wanted: str) -> Step:
    """Return the step with this number, or the only one of this agent, tool or name. Raises StepNotFoundError."""
    if wanted.strip().isdecimal():
        found = run.step(int(wanted))
        if found is None:
            raise StepNotFoundError(f"run {run.id!r} has no step {int(wanted)}; {_listed(run.steps)}")
        return found
    fits = [step for step in run.steps if wanted in names_of(step)]
    if len(fits) == 1:
        return fits[0]
    if fits:
        numbers = ", ".join(str(step.number) for step in fits)
        raise StepNotFoundError(
            f"{wanted!r} fits the steps {numbers} of run {run.id!r}: give the number of one"
        )
    known = {name for step in run.steps for name in names_of(step)}
    raise StepNotFoundError(f"run {run.id!r} has no step {wanted!r}{nearest(wanted, known)}")


def names_of(step: Step) -> tuple[str, ...]:
    """Return the names of a step: that of its agent or tool if it is known, otherwise that of its function."""
    return (step.label,) if step.label else (step.name,)


def _listed(steps: Sequence[Step]) -> str:
    if not steps:
        return "it has none"
    return f"its steps are {steps[0].number} to {steps[-1].number}"


def _model_steps(run: Run) -> str:
    numbers = [str(step.number) for step in run.steps if step.kind is StepKind.MODEL]
    return f"; its model steps are: {', '.join(numbers)}" if numbers else "; the run has no model step"


def _check_portable(problems: Sequence[Problem], step: int) -> None:
    """Raise ValueNotPortableError that names all types that must be registered, with the code to paste."""
    needed = [problem for problem in problems if problem.step is None or problem.step <= step]
    for problem in needed:
        if not problem.types:
            raise ValueNotPortableError(problem.message)
    types = sorted({kind for problem in needed for kind in problem.types}, key=tag_of)
    if types:
        said = "; ".join(
            f"{problem.message.partition(': ')[0]} holds {_names(problem)}" for problem in needed
        )
        raise TypesNotRegisteredError(
            f"{said}; types that are not plain data cannot be written as JSON until they are registered, "
            "in the function that `setup` of [tool.refork] names:",
            code=_registration(types),
        )


def _names(problem: Problem) -> str:
    return ", ".join(tag_of(kind) for kind in problem.types)


def _registration(types: Sequence[type]) -> str:
    """Return the code that registers ``types``."""
    modules: dict[str, list[str]] = {}
    for kind in types:
        modules.setdefault(kind.__module__, []).append(kind.__qualname__.partition(".")[0])
    lines = ["from refork import values"]
    lines += [f"from {module} import {', '.join(sorted(set(names)))}" for module, names in modules.items()]
    return "\n".join(f"    {line}".rstrip() for line in (*lines, "", *map(_call, types)))


def _call(kind: type) -> str:
    if is_plain_data(kind):
        return f"values.register({kind.__qualname__})"
    return (
        f"values.register({kind.__qualname__}, encode=lambda value: ..., "
        f"decode=lambda data: {kind.__qualname__}(...))"
    )


def check_name(name: str) -> None:
    """Raise BadInputError for text that cannot be the name of a case, such as a path."""
    if not is_name(name):
        raise BadInputError(
            f"--name {name!r} cannot name a case: use letters, digits, '.', '_' and '-', "
            "with a letter or a digit first"
        )


def _check_folder(folder: Path, *, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise BadInputError(f"--name {folder.name!r}: {str(folder)!r} is not a folder")
    if not force and folder.exists() and any(folder.iterdir()):
        raise BadInputError(
            f"--name {folder.name!r}: {str(folder)!r} exists already; choose another name, "
            f"or --force to replace its {RUN_FILE} (its {CASE_FILE} is kept)"
        )


def _recapture(
    run: Run, steps: Iterable[Step], *, step: int, folder: Path, agent: str | None, guard: bool
) -> Captured:
    """Replace the run of a case whose ``case.yaml`` also fits the new run."""
    with _Staged(folder) as staged:
        _save(staged, run, steps, step)
        shutil.copyfile(folder / CASE_FILE, staged / CASE_FILE)
        case = _loaded(staged, folder, run)
        _check_same(case, step=step, agent=agent, guard=guard, file=folder / CASE_FILE)
        (staged / RUN_FILE).replace(folder / RUN_FILE)
    return Captured(case=replace(case, folder=folder), folder=folder, is_unchanged=True)


def _check_same(case: Case, *, step: int, agent: str | None, guard: bool, file: Path) -> None:
    if case.step != step:
        raise BadInputError(
            f"--step {step}: {str(file)!r} forks at step {case.step}, and --force keeps that file; "
            "edit its 'fork.step', or choose another name"
        )
    if agent is not None and agent != case.agent:
        raise BadInputError(
            f"--agent {agent!r}: {str(file)!r} says {case.agent!r}, and --force keeps that file; "
            "edit its 'fork.agent', or leave the option out"
        )
    if guard and not case.guard:
        raise BadInputError(f"--guard: --force keeps {str(file)!r}; set `guard: true` in it instead")


def _loaded(staged: Path, folder: Path, run: Run) -> Case:
    """Read the staged case as pytest will read it, and return it. A large run.json is not read again."""
    small = (staged / RUN_FILE).stat().st_size <= LARGEST_READ_BACK
    # An outline's shortened values are not those that were written.
    bare = replace(run, steps=tuple(replace(step, output=None) for step in run.steps))
    try:
        return load_case(staged) if small else replace(load_case(staged, run=bare), run=run)
    except BadFileError as error:
        raise BadFileError(str(error).replace(str(staged), str(folder))) from error


def sweep(cases: Path) -> None:
    """Delete what killed captures left behind."""
    for home in left_behind(cases):
        shutil.rmtree(home, ignore_errors=True)


class _Staged:
    """A hidden folder next to the case in which it is staged. It is removed at the end."""

    def __init__(self, folder: Path) -> None:
        sweep(folder.parent)
        self._home = folder.parent / f".{folder.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp"
        self._folder = self._home / folder.name

    def __enter__(self) -> Path:
        try:
            self._folder.mkdir(parents=True)
        except OSError as error:
            raise BadFileError(
                f"{str(self._home.parent)!r} cannot be written to: {error.strerror}"
            ) from error
        return self._folder

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._home, ignore_errors=True)


def _move(staged: Path, folder: Path) -> None:
    if not folder.exists():
        staged.rename(folder)
        return
    # Without a case.yaml the folder is no case yet, so that file comes last.
    for name in (RUN_FILE, CASE_FILE):
        (staged / name).replace(folder / name)
