"""Finds secrets in a text, with one module for each kind of place."""
