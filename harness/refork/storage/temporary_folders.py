"""Creates temporary folders, and deletes those of killed processes."""

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from refork.storage.files import runs


def temporary_folder(purpose: str) -> Path:
    """Create a folder for this user alone, and delete those of the same purpose whose processes have ended."""
    begin = f"refork-{purpose}-"
    for left in Path(tempfile.gettempdir()).glob(f"{begin}*"):
        owner = left.name.removeprefix(begin).partition("-")[0]
        if owner.isdecimal() and not runs(int(owner)) and _is_ours(left):
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{begin}{os.getpid()}-"))


@contextmanager
def temporary(purpose: str) -> Generator[Path]:
    """Create a folder like :func:`temporary_folder`, and delete it at the end of the block."""
    folder = temporary_folder(purpose)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_ours(path: Path) -> bool:
    try:
        return not path.is_symlink() and path.stat().st_uid == os.getuid()
    except OSError:
        return False
