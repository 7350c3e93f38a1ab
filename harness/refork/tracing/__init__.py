"""Keeps an evaluation out of the application's tracing: what is tried is not what happened in production."""

from refork.tracing.quiet import quiet_tracing

__all__ = ["quiet_tracing"]
