"""``results.json``: its schema, written and read back."""
