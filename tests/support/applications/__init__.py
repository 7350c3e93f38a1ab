"""Whole applications in environments of their own: how these are made, started, and taken from a red run to a gate."""
