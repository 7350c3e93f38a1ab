"""Somebody's production database, read only: connect, query, decode."""
