"""Prints a session's messages while it runs and when it ends."""
