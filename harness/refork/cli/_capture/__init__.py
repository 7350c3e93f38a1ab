"""The parts of ``refork capture``."""
