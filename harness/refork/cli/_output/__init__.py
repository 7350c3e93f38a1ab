"""The output of commands, and the options that several of them have."""
