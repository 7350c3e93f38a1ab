"""Answers questions about sales: queries a table, transforms the result, writes a summary."""
