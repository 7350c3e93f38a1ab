"""The user's application: how it is imported beside our DBOS, and the version that DBOS gives it."""
