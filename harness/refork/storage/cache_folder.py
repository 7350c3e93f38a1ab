"""The folder of a project in the user's cache directory."""

import hashlib
import os
import re
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

import platformdirs


def cache_folder(root: Path) -> Path:
    """Return the folder of a project's evals databases and journals. It may be missing or not writable."""
    return platformdirs.user_cache_path("refork") / _name(root)


def usable_folder(root: Path) -> tuple[Path, str]:
    """Return the project's cache folder, created and writable, and a line that says so if it is not the usual one."""
    usual = cache_folder(root)
    problem = why_unwritable(usual)
    if not problem:
        return usual, ""
    other = _private_folder() / _name(root)
    other.mkdir(exist_ok=True, mode=0o700)
    return (
        other,
        f"agent evals: the cache folder {str(usual)!r} cannot be used ({problem}): {str(other)!r} is taken instead",
    )


def why_unwritable(folder: Path) -> str:
    """Explain why nothing can be written into a folder, which is created if possible; empty if it is writable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0" * 4096)
            file.flush()
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def _private_folder() -> Path:
    """Return a folder of this user among the temporary files, where somebody else may have created one of that
    name.
    """
    if not hasattr(os, "getuid"):
        folder = Path(tempfile.gettempdir()) / "refork-user"
        folder.mkdir(exist_ok=True)
        return folder
    folder = Path(tempfile.gettempdir()) / f"refork-{os.getuid()}"
    with suppress(OSError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077
    return folder if is_ours else Path(tempfile.mkdtemp(prefix="refork-"))


def _name(root: Path) -> str:
    digest = hashlib.sha256(str(root.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    # Without a locale a name that is not ASCII is another text, and the folder shall be the same.
    return f"{re.sub(r'[^ -~]+', '_', root.resolve().name)}-{digest}"
