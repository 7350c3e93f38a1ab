"""Connects controller and workers of pytest-xdist."""
