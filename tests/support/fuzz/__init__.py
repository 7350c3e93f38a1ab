"""Answers of a model's server as nobody should send them, and the real clients that read them."""
