"""All sentences of a report: the same wording for the terminal, the page and the summary."""
