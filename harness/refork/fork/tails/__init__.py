"""Trials of scope ``tail``: the branch that drives one, tools, the user, cached steps, and its trajectory."""
