"""Outcomes and verdicts as data frames, HTML, Markdown and JSON."""
