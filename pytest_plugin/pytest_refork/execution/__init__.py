"""How the trials of a session are run and scored, behind their items."""
