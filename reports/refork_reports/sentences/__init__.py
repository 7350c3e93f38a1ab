"""Everything that a report claims, in words: the same wording for the terminal, the page and the summary."""
