"""What a session says while it runs and when it ends."""
