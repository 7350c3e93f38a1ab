"""Runs and scores the trials of a session, behind their items."""
