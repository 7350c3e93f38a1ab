"""Scorers: their protocol, their registry, and the built-in ones, a file each."""
