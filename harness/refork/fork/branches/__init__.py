"""Drives one DBOS fork each: a branch decides what happens when the workflow calls a model or starts a step."""
