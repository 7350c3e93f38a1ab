"""The command `refork diff`: two runs, or two trials, side by side."""
