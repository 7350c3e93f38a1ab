"""Formats text for people: numbers, durations, shortening, names, and characters that a terminal or a browser would
execute.
"""
