"""Refuses what a watched step may not open besides its model requests, with a module for each kind of connection."""
