"""What only ``refork capture`` needs."""
