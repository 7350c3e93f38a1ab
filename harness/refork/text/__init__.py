"""Text for people: numbers and durations, shortening, names, and characters that a terminal or a browser would obey."""
