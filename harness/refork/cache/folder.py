"""The folder of a project in the user's cache directory."""

import hashlib
import os
import tempfile
from pathlib import Path

import platformdirs


def cache_folder(root: Path) -> Path:
    """Where a project's evals databases and journals lie. It need not exist, nor be writable."""
    return platformdirs.user_cache_path("refork") / _name(root)


def usable_folder(root: Path) -> tuple[Path, str]:
    """The project's cache folder, made and writable, and a line to say where it is not the usual one."""
    usual = cache_folder(root)
    problem = why_unwritable(usual)
    if not problem:
        return usual, ""
    owner = os.getuid() if hasattr(os, "getuid") else "user"
    other = Path(tempfile.gettempdir()) / f"refork-{owner}" / _name(root)
    other.mkdir(parents=True, exist_ok=True, mode=0o700)
    return (
        other,
        f"the cache folder {str(usual)!r} cannot be used ({problem}): {str(other)!r} is taken instead",
    )


def why_unwritable(folder: Path) -> str:
    """Why nothing can be written into a folder, which is made if it can be; empty where something can."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".try-") as file:
            file.write(b"\0" * 4096)
            file.flush()
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def _name(root: Path) -> str:
    digest = hashlib.sha256(str(root.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return f"{root.resolve().name}-{digest}"
