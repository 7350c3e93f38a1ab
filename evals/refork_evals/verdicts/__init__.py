"""Turns counts of passes into verdicts of cases and of the suite."""
