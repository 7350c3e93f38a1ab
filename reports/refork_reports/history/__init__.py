"""The history of a project: ``history.jsonl``, what changed in it, and how it is drawn."""
