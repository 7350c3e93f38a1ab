"""The only package that knows the internals of DBOS."""
