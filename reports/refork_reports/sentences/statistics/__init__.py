"""Says figures of statistics in words: estimates, comparisons, margins, independence, and what their terms mean."""
