"""From counts of passes to verdicts of cases and of the suite."""
