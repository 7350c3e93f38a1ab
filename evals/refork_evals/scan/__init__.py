"""Scores the recorded runs of a production database, without a call of a model."""
