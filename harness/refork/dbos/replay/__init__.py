"""How a fork replays: what DBOS may start, and what each operation is answered."""
