"""Refork: a failing agent run in, a regression test out."""

from refork.production import configure, flag, prompt, record_usage

__version__ = "0.1.0"

__all__ = ["configure", "flag", "prompt", "record_usage"]
