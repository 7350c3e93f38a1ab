"""Makes the line of a session: what it measured, at which commit, with which versions."""

import platform
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from refork_evals.results import CaseResult, Cell, Fingerprint, PastCell, PastSession, SuiteResult
from refork_evals.results.spending import paid
from refork_evals.results.totals import shown_cost

from refork_reports.history.commit import commit_of

_PACKAGES: Final = ("refork", "dbos", "openai", "openai-agents", "pydantic-ai-slim")


def record(evaluation: SuiteResult, root: Path) -> PastSession:
    """Return the record of a session. ``root`` lies in the git repository whose commit it names."""
    commit = commit_of(root)
    return PastSession(
        started_at=evaluation.started_at,
        seconds=round(evaluation.seconds, 3),
        commit=None if commit is None else commit.digest,
        dirty=None if commit is None else commit.dirty,
        versions=_versions(),
        cost_usd=paid(evaluation.cells).cost_usd,
        cells=tuple(_cell(case, cell) for case in evaluation.cases for cell in case.cells),
    )


def _cell(case: CaseResult, cell: Cell) -> PastCell:
    seconds = [scored.trial.seconds for scored in cell.trials if scored.passed is not None]
    return PastCell(
        case=cell.case,
        variant=cell.variant,
        verdict=cell.verdict,
        min_pass_rate=cell.min_pass_rate,
        passes=cell.passes,
        failures=cell.failures,
        trials=len(cell.trials),
        reused=sum(scored.trial.reused for scored in cell.trials),
        interval=cell.interval,
        cost_usd=shown_cost(cell),
        seconds=round(sum(seconds) / len(seconds), 3) if seconds else None,
        model=None if cell.request is None else cell.request.model,
        fingerprint=None if case.fingerprint is None else _digest(case.fingerprint),
    )


def _digest(fingerprint: Fingerprint) -> str:
    return sha256(f"{fingerprint.run}\n{fingerprint.scorers}".encode()).hexdigest()[:16]


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
