"""What one DBOS fork does when its workflow calls a model or starts a step: in a replay, and at a fork point."""
