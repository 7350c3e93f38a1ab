"""All that is claimed, in words: one wording for the terminal, the page and the summary."""
