"""Prepares what a page shows, so that templates only do the layout."""
