"""Decides how many trials a cell takes, and its verdict: with a fixed number, a sequential test, or a baseline."""

from typing import Protocol

from refork_evals.plans.baseline import BaselinePlan
from refork_evals.plans.candidate import CandidatePlan
from refork_evals.plans.fixed import FixedPlan
from refork_evals.plans.sequential import SequentialPlan
from refork_evals.results import Method
from refork_evals.verdicts.decision import CellCounts, Decision

__all__ = ["BaselinePlan", "CandidatePlan", "FixedPlan", "SequentialPlan", "TrialPlan"]


class TrialPlan(Protocol):
    """Says how many trials to run, one batch after the other, and decides."""

    @property
    def method(self) -> Method: ...

    @property
    def first(self) -> int:
        """The number of trials of the first batch."""
        ...

    @property
    def most(self) -> int:
        """Trials after which it asks for no more, whatever they show."""
        ...

    def more(self, counts: CellCounts) -> int:
        """Return the number of trials of the next batch; 0 if the cell is decided, or never can be."""
        ...

    def decide(self, counts: CellCounts) -> Decision: ...

    @property
    def too_few(self) -> str:
        """Describe the verdict that no answers could reach with these trials; empty if every verdict can be reached."""
        ...
