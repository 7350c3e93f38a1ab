"""Logs a session as a run of MLflow, when its tracking server is named."""
