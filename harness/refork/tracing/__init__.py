"""Keeps an evaluation out of the application's tracing, because its trials did not happen in production."""

from refork.tracing.quiet import quiet_tracing

__all__ = ["quiet_tracing"]
