"""Our own launched DBOS: its database, its locks, and the application that is imported into it."""
