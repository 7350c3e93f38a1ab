"""Measuring cases under variants: forks, trials, scores, and what it may cost. Knows nothing of pytest."""
