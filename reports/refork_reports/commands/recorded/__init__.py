"""Commands that look at recorded runs: `refork runs` and `refork show`."""
