"""Scorers, statistics and verdicts: what the outcomes of forks say."""

from refork_evals.results import Evaluation, Score, Verdict
from refork_evals.scorers.protocol import Sample
from refork_evals.scorers.registry import scorer

__all__ = ["Evaluation", "Sample", "Score", "Verdict", "scorer"]
