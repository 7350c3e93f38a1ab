"""The baseline of a session: compared with, or written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from refork.errors import ReforkError
from refork_evals.evaluation.settings import Settings
from refork_evals.gate import Baseline, judge_gate, load_baseline, save_baseline, updated
from refork_evals.results import CaseResult, Gate

from pytest_refork.options import MERGE, UPDATE


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What a session looked at: ``cases`` in all, and whether that was every one of the project."""

    cases: int = 0
    complete: bool = True


def is_everything(config: pytest.Config, *, deselected: int) -> bool:
    """Whether pytest was told of no part of the project alone."""
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    inside = config.invocation_params.dir != config.rootpath
    elsewhere = config.args_source is pytest.Config.ArgsSource.INVOCATION_DIR and inside
    return not (deselected or named or elsewhere)


def check_update(settings: Settings, selection: Selection) -> None:
    """Raises pytest.UsageError before anything is paid for."""
    if settings.update == "replace" and not selection.complete:
        raise pytest.UsageError(
            f"{UPDATE} replaces the whole baseline, and only a part of the cases is selected: select all, or give "
            f"{MERGE}"
        )


def judge(settings: Settings, results: Sequence[CaseResult], selection: Selection) -> Gate | None:
    """The gate, where it was asked for."""
    gate = settings.gate
    if gate is None:
        return None
    return judge_gate(
        results,
        gate.baseline,
        settings.defaults,
        source=gate.source,
        cases=selection.cases,
        complete=selection.complete,
        lenient=gate.lenient,
        notes=gate.notes,
    )


@dataclass(frozen=True, kw_only=True)
class Update:
    """What became of a new baseline: its ``path`` where it was written, else ``problems``."""

    path: Path
    cases: int = 0
    problems: tuple[str, ...] = ()


def update(settings: Settings, results: Sequence[CaseResult]) -> Update | None:
    """Write the baseline, where that was asked for and everything could be measured."""
    if settings.update is None:
        return None
    path = settings.project.baseline
    try:
        known = _known(path, settings) if settings.update == "merge" else None
        baseline, problems = updated(known, results, today=date.today())
        if not problems:
            save_baseline(path, baseline)
    except ReforkError as error:
        return Update(path=path, problems=(str(error),))
    return Update(path=path, cases=len(baseline.cases), problems=problems)


def _known(path: Path, settings: Settings) -> Baseline | None:
    return load_baseline("", default=path, root=settings.project.root)[0] if path.exists() else None
