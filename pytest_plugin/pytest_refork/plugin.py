"""Hooks and options."""
