"""Scorers, statistics and verdicts: what the outcomes of forks say."""
