"""The options as pytest shows them. What they mean is decided with the rest of the configuration."""

from typing import Final

import pytest

PREFIX: Final = "--agent-evals-"

_OPTIONS: Final = (
    ("variants", "NAMES", "try only these candidates, separated by commas; 'current' always runs"),
    ("trials", "N", "trials of each variant, whatever the cases and pyproject.toml say"),
    ("concurrency", "N", "model calls at once, over all cases (default: 8)"),
    (
        "db",
        "URL",
        "evals database: a URL of SQLite or Postgres, or 'postgres' for a throw-away server "
        "(default: SQLite in the user's cache directory)",
    ),
    ("report", "FOLDER", "where report.html and results.json are written (default: reports/agent-evals)"),
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
    for name, metavar, text in _OPTIONS:
        group.addoption(PREFIX + name, metavar=metavar, default=None, dest=_dest(name), help=text)


def given(config: pytest.Config) -> dict[str, str | None]:
    """What the command line gave, by the key of ``[tool.refork]``; None where it gave nothing."""
    return {name: config.getoption(_dest(name)) for name, _, _ in _OPTIONS}


def _dest(name: str) -> str:
    return f"agent_evals_{name}"
