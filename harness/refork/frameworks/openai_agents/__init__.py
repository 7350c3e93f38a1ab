"""The OpenAI Agents SDK under DBOS."""
