"""Tracks what an evaluation may spend on model calls, over all its processes."""

import os
import shutil
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from refork.config import Config
from refork.records.outcome import Trial
from refork.records.usage import Spending
from refork.storage.temporary_folders import temporary_folder

from refork_evals.results.spending import paid_for
from refork_evals.trials import cost_of


@dataclass(frozen=True, kw_only=True)
class Spent:
    tokens: int = 0
    cost: Decimal = Decimal(0)


class Budget:
    """Counts the tokens and the cost of every trial, each a line of ``file``, which several processes may share.

    Only calls of this session count, so of a tail only those that the cache did not answer. A trial whose usage is
    unknown counts as nothing, and so does the cost of a model without a known price.
    """

    def __init__(self, file: Path, *, max_tokens: int | None, max_cost: float | None) -> None:
        self._file = file
        self._max_tokens = max_tokens
        self._max_cost = None if max_cost is None else Decimal(str(max_cost))

    @property
    def file(self) -> Path:
        return self._file

    @property
    def is_limited(self) -> bool:
        return self._max_tokens is not None or self._max_cost is not None

    def spend(self, trial: Trial) -> None:
        """Add the cost of a trial. Called from DBOS's threads when the trial ends."""
        spent = paid_for(trial, cost_of(trial)) if self.is_limited else Spending()
        if not spent.trials:
            return
        line = f"{spent.tokens} {spent.cost_usd or 0}\n"
        with self._file.open("ab", buffering=0) as file:
            file.write(line.encode())

    def reached(self) -> str:
        """Describe the limit that was reached; empty if none was reached or there is no limit."""
        if not self.is_limited:
            return ""
        spent = self._spent()
        if self._max_tokens is not None and spent.tokens >= self._max_tokens:
            return f"{spent.tokens:,} tokens were used, of at most {self._max_tokens:,}"
        if self._max_cost is not None and spent.cost >= self._max_cost:
            return f"${spent.cost:.4f} were spent, of at most ${self._max_cost:f}"
        return ""

    def close(self) -> None:
        if self.is_limited:
            shutil.rmtree(self._file.parent, ignore_errors=True)

    def _spent(self) -> Spent:
        lines = (
            [line.split() for line in self._file.read_text("utf-8").splitlines()]
            if self._file.exists()
            else []
        )
        return Spent(
            tokens=sum(int(tokens) for tokens, _ in lines),
            cost=sum((Decimal(cost) for _, cost in lines), Decimal(0)),
        )


def new_budget(config: Config) -> Budget:
    """Return the budget of a project, of which nothing is spent yet. Its file is temporary; ``close`` deletes it."""
    if config.max_tokens is None and config.max_cost is None:
        return Budget(Path(os.devnull), max_tokens=None, max_cost=None)
    file = temporary_folder("spent") / "spent"
    file.touch()
    return Budget(file, max_tokens=config.max_tokens, max_cost=config.max_cost)
