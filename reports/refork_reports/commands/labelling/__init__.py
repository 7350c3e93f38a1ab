"""``refork label``: a person at a terminal says which outputs pass."""
