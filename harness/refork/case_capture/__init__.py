"""Captures runs of the production database as cases in folders."""
