"""What becomes an item: cases and marked test functions."""
