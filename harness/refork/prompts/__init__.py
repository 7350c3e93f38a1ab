"""Prompts out of files: front matter, candidates, and the sandbox in which templates are rendered."""
