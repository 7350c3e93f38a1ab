"""How a fork replays: seeding, what DBOS may start, and what each operation is answered."""
