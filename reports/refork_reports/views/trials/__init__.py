"""Arranges the trials of a report, which travel as data and are drawn when looked at."""
