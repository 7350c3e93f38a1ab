"""Trials: scheduled, limited, made, and answered from the cache."""
