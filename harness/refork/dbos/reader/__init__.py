"""Reads a production database, without writing to it: connects, queries, decodes."""
