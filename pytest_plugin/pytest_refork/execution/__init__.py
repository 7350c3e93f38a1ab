"""How the trials of a session are run, scored and reported as outcomes of items."""
