"""Plain DBOS workflows: steps of no framework."""
