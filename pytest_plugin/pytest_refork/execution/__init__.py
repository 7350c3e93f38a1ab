"""Runs and scores the trials of a session, and reports them as outcomes of items."""
