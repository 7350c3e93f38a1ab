"""The options as pytest shows them. Their meaning is decided with the rest of the configuration."""

from typing import Final

import pytest

PREFIX: Final = "--agent-evals-"
GATE: Final = f"{PREFIX}gate"
BASELINE: Final = f"{PREFIX}baseline"
ANSWERS: Final = f"{PREFIX}answers"
DRY_RUN: Final = f"{PREFIX}dry-run"
UPDATE: Final = f"{PREFIX}update-baseline"
MERGE: Final = f"{PREFIX}merge-baseline"

_OPTIONS: Final = (
    ("variants", "NAMES", "try only these candidates, separated by commas; 'current' always runs"),
    ("trials", "N", "trials of each variant, or 'auto', whatever the cases and pyproject.toml say"),
    ("concurrency", "N", "model calls at once, over all cases (default: 8)"),
    (
        "db",
        "URL",
        "evals database: a URL of SQLite or Postgres, or 'postgres' for a throw-away server "
        "(default: SQLite in the user's cache directory)",
    ),
    (
        "answers",
        "HOW",
        "cached answers: 'reuse' them where the request is unchanged (default), 'offline' make no call at all, "
        "'live' reuse none, 'refresh' replace them",
    ),
    (
        "inconclusive",
        "HOW",
        "what a 'current' that is not decided counts as: fail, pass or warn (default: warn)",
    ),
    (
        "errors",
        "HOW",
        "what a 'current' counts as whose answers are not kept, offline: fail or warn (default: fail)",
    ),
    ("max-tokens", "N", "start no more trials once so many tokens were used"),
    ("max-cost", "USD", "start no more trials once they have cost so many US dollars"),
    ("changed", "HOW", "at the gate, what a case counts as that is no longer the baseline's: fail or warn"),
    (
        "confirm",
        "HOW",
        "at the gate, whether a case that dropped is asked again before it is red: yes (default) or no",
    ),
    ("report", "FOLDER", "where report.html and results.json are written (default: reports/agent-evals)"),
    ("mlflow", "URI", "log the session as a run of MLflow at this tracking server; needs refork[mlflow]"),
    (
        "mlflow-experiment",
        "NAME",
        "the experiment of that run (default: MLFLOW_EXPERIMENT_NAME, or MLflow's own)",
    ),
)


def add_options(parser: pytest.Parser) -> None:
    """Register ``--agent-evals`` and its companions."""
    group = parser.getgroup("agent evals", "agent evals (Refork)")
    group.addoption(
        "--agent-evals",
        action="store_true",
        default=False,
        dest="agent_evals",
        help="fork the cases of evals/cases at the recorded step and rerun that step under every variant",
    )
    group.addoption(
        DRY_RUN,
        action="store_true",
        default=False,
        dest="agent_evals_dry_run",
        help="say what --agent-evals would take, case by case, and run nothing",
    )
    for name, metavar, text in _OPTIONS:
        group.addoption(PREFIX + name, metavar=metavar, default=None, dest=_dest(name), help=text)
    group.addoption(
        GATE,
        action="store_true",
        default=False,
        dest="agent_evals_gate",
        help="compare 'current' with the baseline: exit code 1 where a case, or the suite, has dropped",
    )
    group.addoption(
        BASELINE,
        metavar="PATH|git:REF",
        default="",
        dest="agent_evals_baseline",
        help="the baseline to compare with, or the commit to take it from (default: evals/baseline.json)",
    )
    group.addoption(
        UPDATE,
        action="store_const",
        const="replace",
        default=None,
        dest="agent_evals_update_baseline",
        help="measure 'current' afresh with baseline_trials and write the baseline",
    )
    group.addoption(
        MERGE,
        action="store_const",
        const="merge",
        dest="agent_evals_update_baseline",
        help="as the one before, but only the selected cases are replaced",
    )


def collect_here(config: pytest.Config) -> None:
    """Have pytest-xdist start no workers: where nothing runs there is nothing to distribute."""
    if hasattr(config.option, "dist"):
        config.option.dist, config.option.tx = "no", []


def given(config: pytest.Config) -> dict[str, str | None]:
    """Return the values from the command line, by key of ``[tool.refork]``; None for those that were not given."""
    return {name.replace("-", "_"): config.getoption(_dest(name)) for name, _, _ in _OPTIONS}


def _dest(name: str) -> str:
    return f"agent_evals_{name.replace('-', '_')}"
