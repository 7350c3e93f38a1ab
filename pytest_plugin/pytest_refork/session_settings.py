"""The settings of this session. The command line overrides the environment, which overrides pyproject.toml."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from refork.answer_cache import AnswersMode
from refork.config import ENVIRONMENT_PREFIX, Config, load_config
from refork.errors import BadInputError, ReforkError
from refork.prompts.candidates import SUFFIX
from refork.records.variant import CURRENT, RECORDED
from refork.text.lines import nearest
from refork_evals.evaluation.settings import GateSettings, Settings
from refork_evals.gate import Baseline, Leniency, load_baseline
from refork_evals.gate.baseline import GIT
from refork_evals.statistics.sequential import Bounds

from pytest_refork.options import BASELINE, GATE, PREFIX, UPDATE, given


def load_settings(config: pytest.Config) -> Settings:
    """Load the settings. Raises pytest.UsageError, in one line that names the option, the variable or the file."""
    options = given(config)
    update: str | None = config.getoption("agent_evals_update_baseline")
    try:
        project = load_config(config.rootpath, overrides=options)
        if update is not None and not _is_given("answers", options):
            project = _afresh(project)
        Bounds(project.min_trials, project.max_trials)
        return Settings(
            project=project,
            trials=_trials(project.trials) if _is_given("trials", options) else None,
            candidates=_tried(project, update),
            gate=_gate(config, project, update),
            update=update,
        )
    except ReforkError as error:
        raise pytest.UsageError(str(error)) from None


def is_dry(config: pytest.Config) -> bool:
    """Return whether pytest only collects or only shows what it would do."""
    options = ("collectonly", "setuponly", "setupplan", "agent_evals_dry_run")
    return any(config.getoption(name, False) for name in options)


def is_dry_run(config: pytest.Config) -> bool:
    """Return whether the session ends with the estimate."""
    return bool(config.getoption("agent_evals_dry_run", False))


def _is_given(name: str, options: Mapping[str, str | None]) -> bool:
    """Return whether the command line or the environment sets this, and not just the project."""
    return bool(options[name] or os.environ.get(f"{ENVIRONMENT_PREFIX}{name.upper()}", "").strip())


def _afresh(project: Config) -> Config:
    """Return the project without reuse of cached answers: those by which a prompt was chosen are better than it is."""
    if AnswersMode(project.answers) is not AnswersMode.REUSE:
        return project
    return replace(project, answers=AnswersMode.LIVE.value)


def _trials(trials: int | str) -> int | Literal["auto"]:
    return trials if isinstance(trials, int) else "auto"


def _tried(project: Config, update: str | None) -> frozenset[str] | None:
    """Return no candidates for a new baseline, which is of ``current`` alone: they would be paid for and forgotten."""
    if update is not None:
        return frozenset()
    return None if project.variants is None else _candidates(project.variants, project.prompts)


def _gate(config: pytest.Config, project: Config, update: str | None) -> GateSettings | None:
    is_gate, source = config.getoption("agent_evals_gate"), str(config.getoption("agent_evals_baseline"))
    if is_gate and update is not None:
        raise BadInputError(f"{GATE} and {UPDATE} exclude each other: accept a baseline, or compare with it")
    if source and not is_gate:
        raise BadInputError(f"{BASELINE} says what {GATE} compares with: give both")
    if not is_gate:
        return None
    baseline, where = load_baseline(source, default=project.baseline, root=project.root)
    lenient = Leniency(
        errors=project.errors == "warn",
        changed=project.changed == "warn",
        inconclusive=project.inconclusive != "fail",
    )
    return GateSettings(
        baseline=baseline, source=where, lenient=lenient, notes=_notes(baseline, where, source, project)
    )


def _notes(baseline: Baseline, where: str, source: str, project: Config) -> tuple[str, ...]:
    """Warn if this branch changes the baseline, because the change has no effect here."""
    if not source.startswith(GIT):
        return ()
    try:
        own, _ = load_baseline("", default=project.baseline, root=project.root)
    except ReforkError:
        return (f"this branch removes or breaks the baseline; compared with {where}",)
    if own.cases == baseline.cases:
        return ()
    changed = sorted(
        name for name in {*own.cases, *baseline.cases} if own.cases.get(name) != baseline.cases.get(name)
    )
    shown = ", ".join(changed[:5]) + (", ..." if len(changed) > 5 else "")
    return (f"this branch changes the baseline ({shown}); compared with {where}",)


def _candidates(given: tuple[str, ...], prompts: Path) -> frozenset[str]:
    names = set(given)
    if not names:
        raise BadInputError(f"option {PREFIX}variants is empty: name candidates, such as 'careful,terse'")
    if RECORDED in names:
        raise BadInputError(
            f"option {PREFIX}variants cannot name {RECORDED!r}, which is scored and never run; name candidates"
        )
    known = {path.stem for path in prompts.glob(f"*/*{SUFFIX}")}
    for name in sorted(names - known - {CURRENT}):
        raise BadInputError(
            f"option {PREFIX}variants: no prompt in {str(prompts)!r} is named {name!r}{nearest(name, known)}"
        )
    return frozenset(names - {CURRENT})
