"""Scorers, statistics and verdicts: what the outcomes of forks say."""

from refork_evals.results import Score, SuiteResult, Verdict
from refork_evals.scorers.protocol import Sample
from refork_evals.scorers.registry import scorer

__all__ = ["Sample", "Score", "SuiteResult", "Verdict", "scorer"]
