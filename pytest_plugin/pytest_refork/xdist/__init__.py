"""pytest-xdist: what controller and workers tell each other."""
