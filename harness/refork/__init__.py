"""Refork: a failing agent run in, a regression test out."""

__version__ = "0.1.0"
