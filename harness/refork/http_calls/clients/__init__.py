"""Patches for HTTP libraries, one file each: they intercept requests before these are sent."""
