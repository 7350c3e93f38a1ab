"""Estimates what an evaluation will take before it starts: calls, tokens, cost and time."""
