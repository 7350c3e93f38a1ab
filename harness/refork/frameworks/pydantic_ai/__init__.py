"""Pydantic AI under DBOS."""
