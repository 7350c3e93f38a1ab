"""Our own launched DBOS: its threads, its logs, and the event loops that it is called beside."""
