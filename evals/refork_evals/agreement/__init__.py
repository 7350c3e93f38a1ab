"""Agreement between a judge and a person."""
