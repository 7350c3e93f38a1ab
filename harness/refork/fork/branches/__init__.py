"""What one DBOS fork does when its workflow calls a model or starts a step, a file a scope."""
