"""Checks what recorded runs must meet: expectations, the project's cases, and functions."""
