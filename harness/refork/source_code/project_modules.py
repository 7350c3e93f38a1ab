"""Distinguishes the application's own modules from installed ones."""

import sysconfig
from functools import lru_cache
from pathlib import Path
from typing import Final

_FOLDERS: Final = tuple(
    Path(path).resolve()
    for name, path in sysconfig.get_paths().items()
    if name in ("stdlib", "platstdlib", "purelib", "platlib")
)
_NAMES: Final = frozenset({"site-packages", "dist-packages"})


@lru_cache(maxsize=4096)
def is_installed(file: str) -> bool:
    """Return whether a module's file belongs to the standard library or to an installed package."""
    path = Path(file).resolve()
    return bool(_NAMES.intersection(path.parts)) or any(path.is_relative_to(folder) for folder in _FOLDERS)
