"""Scorers, statistics and verdicts: what the outcomes of forks say."""

from refork_evals.registry import scorer
from refork_evals.results import Evaluation, Score, Verdict
from refork_evals.scoring import Sample

__all__ = ["Evaluation", "Sample", "Score", "Verdict", "scorer"]
