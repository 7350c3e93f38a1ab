"""Writes a case of each group of a scan: its newest run, at the step where it failed, with what is expected there."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from refork.case_capture.case_writer import Captured, Fresh, capture
from refork.case_capture.failures import existing_cases, free_name
from refork.case_capture.fork_points import fork_points_of
from refork.case_capture.loader import LoadedRun, Loader
from refork.errors import DatabaseError, ReforkError
from refork.records import Case, Run
from refork.redaction.texts import without_secrets
from refork.text.lines import one_line

from refork_evals.scan.results import Group, Scan
from refork_evals.scorers.expectations import needs_tail
from refork_evals.scorers.registry import parse_scorer
from refork_evals.trials import score_recorded


@dataclass(frozen=True, kw_only=True)
class CapturedGroup:
    """The outcome of capturing a group: a new case, one that was there already, or a reason why there is none."""

    group: Group
    captured: Captured | None = None
    loaded: LoadedRun | None = None
    there: Path | None = None
    problem: str = ""


def capture_groups(scan: Scan, loader: Loader, cases: Path) -> Iterator[CapturedGroup]:
    """Capture the groups one after the other, each under its name. A group of which a case exists is left alone.

    ``loader`` is open. Raises DatabaseError; whatever else goes wrong is a reason of one group.
    """
    existing = existing_cases(cases)
    for group in scan.groups:
        at = group.example.step
        folders = (existing.runs.get(run, {}) for run in group.runs)
        there = next(
            (found for steps in folders for step, found in steps.items() if at in (None, step)), None
        )
        if there is not None:
            yield CapturedGroup(group=group, there=there)
            continue
        try:
            yield _captured(group, loader, cases)
        except DatabaseError:
            raise
        except ReforkError as error:
            yield CapturedGroup(group=group, problem=str(error))


def _captured(group: Group, loader: Loader, cases: Path) -> CapturedGroup:
    loaded = loader.load(group.example.run)
    step = group.example.step
    if step is None:
        step = fork_points_of(loaded.run, loaded.flags).steps[0].number
    run = replace(loaded.run, steps=tuple(loaded.steps))
    scope = _scope(run, step, group)
    said = one_line(without_secrets(group.example.reason or group.what))
    captured = capture(
        run,
        step=step,
        cases=cases,
        name=free_name(group.name, [folder.name for folder in cases.glob("*")]),
        problems=loaded.problems,
        fresh=Fresh(description=said, scope=scope, expect=group.expect),
    )
    return CapturedGroup(group=group, captured=captured, loaded=loaded)


def _scope(run: Run, step: int, group: Group) -> str:
    """``step`` if the answer at the step itself fails what is expected, otherwise ``tail``."""
    scorers = [parse_scorer(entry) for entry in group.expect]
    if not scorers:
        return "step"
    if any(needs_tail(scorer) is not None for scorer in scorers):
        return "tail"
    case = Case(name=group.name, folder=Path(), run=run, step=step, expect=group.expect)
    recorded = score_recorded(case, scorers)
    return "step" if recorded is not None and recorded.passed is False else "tail"
