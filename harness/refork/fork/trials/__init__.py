"""Trials: scheduled, limited, made, answered from the cache, and cleared of secrets."""
