"""Replays forks: decides what DBOS may start, and answers operations from the record."""
