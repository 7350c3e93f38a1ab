"""Shares one budget between a session and its workers: a file that all of them write to."""

from pathlib import Path
from typing import Any, Final

import pytest
from refork.config import Config
from refork_evals.evaluation.budget import Budget, new_budget

INPUT: Final = "refork_spent"
"""The key of a worker's input with the file."""


def open_budget(config: pytest.Config, project: Config) -> Budget:
    """Open the budget of this process. A worker uses the one that the controller names."""
    given: dict[str, Any] = getattr(config, "workerinput", {})
    if INPUT in given:
        return Budget(Path(given[INPUT]), max_tokens=project.max_tokens, max_cost=project.max_cost)
    return new_budget(project)


def for_workers(budget: Budget) -> dict[str, str]:
    """Return the part of a worker's input that describes the shared budget."""
    return {INPUT: str(budget.file)}
