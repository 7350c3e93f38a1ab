"""Keeps the answers of an evaluation: writes them beside the cases, and takes up those of a killed session."""
