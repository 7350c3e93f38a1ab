"""The evals database: its place, its lock, and the runs and forks in it."""
