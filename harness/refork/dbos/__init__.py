"""The only room that knows the internals of DBOS."""
