"""Imports without pauses of the garbage collector."""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def without_garbage_collection() -> Generator[None]:
    """Collect no garbage in the block, and go on as before after it.

    For imports of many modules: they make objects that stay, and each collection would walk through all of them.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
