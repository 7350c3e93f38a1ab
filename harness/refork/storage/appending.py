"""Appends lines to a file that several processes write, and that a killed one may have left with half a line."""

import os
import time
from pathlib import Path
from typing import Final

from refork.errors import BadFileError
from refork.redaction.process_secrets import hidden
from refork.storage.process_locks import try_lock

LONGEST_WAIT: Final = 10.0
"""Seconds that another process may take to append its line."""
_LOOK_EVERY: Final = 0.02


def append_line(path: Path, line: str, *, wait: float = LONGEST_WAIT) -> None:
    """Append ``line`` and a line feed, and wait until both are on the disk. Missing folders are made.

    The file is locked meanwhile, so lines of two processes are never mixed. A last line that was cut off stays a line
    of its own. No secret that this process holds is written. Raises BadFileError if the file cannot be written, or if
    another process holds it for more than ``wait`` seconds.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            _lock(descriptor, path, wait)
            data = hidden(line).encode() + b"\n"
            left = data if _ends_whole(descriptor) else b"\n" + data
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise BadFileError(f"{str(path)!r} cannot be written: {reason}") from error


def _lock(descriptor: int, path: Path, wait: float) -> None:
    end = time.monotonic() + wait
    while not try_lock(descriptor):
        if time.monotonic() >= end:
            raise BadFileError(
                f"{str(path)!r} is being written by another process for more than {wait:g} s: end it, and try again"
            )
        time.sleep(_LOOK_EVERY)


def _ends_whole(descriptor: int) -> bool:
    """Return whether the file is empty or ends with a line feed."""
    size = os.fstat(descriptor).st_size
    if not size:
        return True
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1) == b"\n"
