"""The schema of ``results.json``, and the code that writes and reads it."""
