"""Builds the pages of recorded runs: one run, or two side by side."""
