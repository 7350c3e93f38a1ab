"""Compares a session with the baseline, or writes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from refork.errors import ReforkError
from refork.records.variant import CURRENT
from refork.text.numbers import plural
from refork_evals.evaluation.settings import Settings
from refork_evals.gate import Baseline, judge_gate, load_baseline, save_baseline, updated
from refork_evals.results import CaseResult, Gate

from pytest_refork.options import ANSWERS, MERGE, UPDATE


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The ``cases`` that a session selected. ``complete`` says whether these are all cases of the project."""

    cases: int = 0
    complete: bool = True


def is_everything(config: pytest.Config, *, deselected: int) -> bool:
    """Return whether pytest was not limited to a part of the project."""
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    inside = config.invocation_params.dir != config.rootpath
    elsewhere = config.args_source is pytest.Config.ArgsSource.INVOCATION_DIR and inside
    return not (deselected or named or elsewhere)


def check_update(settings: Settings, selection: Selection) -> None:
    """Raise pytest.UsageError if the baseline cannot be written, before anything is paid for."""
    if settings.update == "replace" and not selection.complete:
        raise pytest.UsageError(
            f"{UPDATE} replaces the whole baseline, and only a part of the cases is selected: select all, or give "
            f"{MERGE}"
        )


def judge(settings: Settings, results: Sequence[CaseResult], selection: Selection) -> Gate | None:
    """Run the gate, if it was requested."""
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
    """The result of writing a new baseline: its ``path`` if it was written, otherwise ``problems``.

    ``reused`` of its ``trials`` were answered from the cache, in whole or in part.
    """

    path: Path
    cases: int = 0
    problems: tuple[str, ...] = ()
    trials: int = 0
    reused: int = 0

    @property
    def measured(self) -> str:
        """Say how many of the trials are new, and what it means if some are not."""
        if not self.reused:
            return f"measured afresh: {plural(self.trials, 'trial')}"
        return (
            f"{self.reused} of {self.trials} trials reused cached answers: if these answers made you choose a prompt, "
            f"the baseline is too good. Without {ANSWERS} they are measured afresh"
        )


def update(settings: Settings, results: Sequence[CaseResult]) -> Update | None:
    """Write the baseline, if that was requested and everything could be measured."""
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
    trials = [scored.trial for result in results if (cell := result.cell(CURRENT)) for scored in cell.trials]
    return Update(
        path=path,
        cases=len(baseline.cases),
        problems=problems,
        trials=len(trials),
        reused=sum(bool(trial.reused or trial.reused_steps) for trial in trials),
    )


def _known(path: Path, settings: Settings) -> Baseline | None:
    return load_baseline("", default=path, root=settings.project.root)[0] if path.exists() else None
