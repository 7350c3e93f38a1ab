"""Plain DBOS workflows, whose steps call a model without a framework."""
