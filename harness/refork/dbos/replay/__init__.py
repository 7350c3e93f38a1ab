"""Replays forks: seeds the run, decides what DBOS may start, and answers each operation from the record."""
