"""Agent frameworks: a folder each, behind one protocol."""
