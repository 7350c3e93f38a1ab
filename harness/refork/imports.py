"""Imports without pauses of the garbage collector."""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def without_garbage_collection() -> Generator[None]:
    """Turn garbage collection off inside the block, and restore it afterwards.

    For imports of many modules: they make objects that stay, and each collection would walk through all of them.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
