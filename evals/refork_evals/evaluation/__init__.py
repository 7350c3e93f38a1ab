"""Measures cases under variants: forks, trials, scores, budget. Does not depend on pytest."""
