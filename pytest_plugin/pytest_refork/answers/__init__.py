"""Answers of a session, durable from the moment they arrive."""
