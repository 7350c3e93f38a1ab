"""Prompts from files: front matter, candidates, and the sandbox in which templates are rendered."""
