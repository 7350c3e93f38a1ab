"""Reads the source code of the application: finds its own modules, and parses them."""
