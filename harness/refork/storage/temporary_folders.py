"""Folders among the temporary files of the machine: what a killed process left there goes with the next one."""

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from refork.storage.files import runs


def temporary_folder(purpose: str) -> Path:
    """A new folder for this user alone. Those of the same purpose whose processes have ended are deleted."""
    begin = f"refork-{purpose}-"
    for left in Path(tempfile.gettempdir()).glob(f"{begin}*"):
        owner = left.name.removeprefix(begin).partition("-")[0]
        if owner.isdecimal() and not runs(int(owner)) and _is_ours(left):
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{begin}{os.getpid()}-"))


@contextmanager
def temporary(purpose: str) -> Generator[Path]:
    """Such a folder, deleted at the end of the block."""
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
