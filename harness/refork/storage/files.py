"""Reads and writes files in the user's folders: reads nothing from outside a folder, and writes completely or not
at all.
"""

import glob
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from refork.errors import BadFileError
from refork.redaction.process_secrets import hiding

MEGABYTE = 1_000_000
_OPEN_FILES = "/proc/self/fd"


def read_text(path: Path, *, inside: Path | None = None, limit: int | None = None) -> str:
    """Return the UTF-8 text of a file, with or without a byte order mark.

    A path that leads out of the folder ``inside``, or a file of more than ``limit`` bytes, is a BadFileError.
    """
    try:
        if inside is not None:
            refuse_outside(path, inside)
        if not path.is_file():
            problem = "is not a file" if path.exists() else "does not exist"
            raise BadFileError(f"{str(path)!r} {problem}")
        data = _read(path, limit)
    except (OSError, ValueError, RuntimeError) as error:
        raise BadFileError(f"{str(path)!r} cannot be read: {_reason(error)}") from error
    return _decoded(data, path)


def refuse_outside(path: Path, folder: Path) -> None:
    """Raise BadFileError if ``path``, after following every symlink, is not inside ``folder``."""
    real, home = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
    if not real.is_relative_to(home):
        raise BadFileError(
            f"{str(path)!r} is a symlink that leads out of {str(folder)!r}: replace it by the file itself"
        )


def readable_path(path: Path) -> str:
    """Return a path as people read it. Without a locale, a path that is not ASCII cannot be written as text."""
    return os.fsencode(path).decode("utf-8", "replace")


def write_atomically(path: Path, text: str | Iterable[str]) -> None:
    """Write ``text``, or its parts, as UTF-8, completely or not at all: a reader sees the old file or the new one.

    No secret that this process holds is written, whatever the file. Where the system can do that, what is written has
    no name until it is whole, so that a killed process leaves nothing.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in left_behind(path.parent):
            if not left.is_dir():
                left.unlink(missing_ok=True)
        try:
            _write(temporary, [text] if isinstance(text, str) else text)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise BadFileError(f"{str(path)!r} cannot be written: {_reason(error)}") from error


def left_behind(folder: Path, name: str = "*") -> Iterator[Path]:
    """Yield the files that dead processes left in a folder while they wrote ``name``."""
    pattern = name if name == "*" else glob.escape(name)
    for path in folder.glob(f".{pattern}.*.????????.tmp"):
        owner = path.name.split(".")[-3]
        if owner.isdecimal() and not runs(int(owner)):
            yield path


def runs(process: int) -> bool:
    """Return whether a process with this number runs, as far as that can be found out."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's, or none of ours
        return True
    return True


def _read(path: Path, limit: int | None) -> bytes:
    with path.open("rb") as file:
        data = file.read() if limit is None else file.read(limit + 1)
    if limit is not None and len(data) > limit:
        raise BadFileError(f"{str(path)!r} is larger than {limit / MEGABYTE:g} MB, the most that is read")
    return data


def _decoded(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadFileError(
            f"{str(path)!r}, line {line}: byte {data[error.start]:#04x} is not UTF-8; save the file as UTF-8"
        ) from error


def _write(path: Path, parts: Iterable[str]) -> None:
    nameless, hidden = _nameless(path.parent), hiding()
    with os.fdopen(_named(path) if nameless is None else nameless, "w+b") as file:
        for part in parts:
            file.write(hidden(part).encode())
        file.flush()
        os.fsync(file.fileno())
        if nameless is not None and not _linked(file.fileno(), path):
            file.seek(0)
            with os.fdopen(_named(path), "wb") as named:
                shutil.copyfileobj(file, named)
                named.flush()
                os.fsync(named.fileno())


def _linked(descriptor: int, path: Path) -> bool:
    """Give a nameless file its name, and return whether the system allows it."""
    try:
        open_files = os.open(_OPEN_FILES, os.O_RDONLY)
        try:
            os.link(str(descriptor), path, src_dir_fd=open_files, follow_symlinks=True)
        finally:
            os.close(open_files)
    except OSError:
        return False
    return True


# 0o666 lets the umask decide, as for every other file of the checkout.
def _named(path: Path) -> int:
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)


def _nameless(folder: Path) -> int | None:
    """Create a file without a name. Returns None if the system or the disk has none."""
    if not hasattr(os, "O_TMPFILE") or not Path(_OPEN_FILES).is_dir():
        return None
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666)
    except OSError:
        return None


def sync_folder(folder: Path) -> None:
    """Write the list of a folder's files to disk."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
