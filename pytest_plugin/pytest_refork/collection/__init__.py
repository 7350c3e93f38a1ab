"""Collects cases and marked test functions as items."""
