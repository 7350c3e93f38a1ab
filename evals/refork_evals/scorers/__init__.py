"""Scorers: their protocol, their registry, and the built-in ones, which this page loads."""

from refork_evals.scorers.builtin import BUILT_IN

__all__ = ["BUILT_IN"]
