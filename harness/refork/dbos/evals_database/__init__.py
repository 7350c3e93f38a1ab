"""The evals database: where it is, who holds it, and the runs and forks that are written and read there."""
