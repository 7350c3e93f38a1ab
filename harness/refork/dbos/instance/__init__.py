"""The DBOS instance that Refork launches: its threads, its logs, and calls from threads with an event loop."""
