"""Refuses to write files and to start processes while code is only looked at.

Python reports both by audit events, because nothing else can intercept them. An audit hook cannot be removed; this
one is set by the first look, and does nothing otherwise.
"""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from refork.http_calls.watch import carry

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_ACTING: Final = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.mkdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "os.chown",
    "os.kill",
    "shutil.",
    "sqlite3.connect",
    "socket.connect",
    "socket.bind",
    "socket.sendto",
    "socket.sendmsg",
)
_refusals: ContextVar[list[str] | None] = ContextVar("refork_refused_effects", default=None)
carry(_refusals)
_hooked: list[bool] = []


class EffectRefusedError(PermissionError):
    """Code that is only looked at tried to act. It is an OSError, so libraries handle it like any other."""


@contextmanager
def no_effects() -> Generator[list[str]]:
    """Refuse effects in the block, and collect what was refused, such as ``writes /tmp/x`` or ``subprocess.Popen``."""
    if not _hooked:
        _hooked.append(True)
        sys.addaudithook(_audit)
    refused: list[str] = []
    token = _refusals.set(refused)
    try:
        yield refused
    finally:
        _refusals.reset(token)


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event != "open" and not event.startswith(_ACTING):
        return
    refused = _refusals.get()
    if refused is None:
        return
    what = _written(*args) if event == "open" else event
    if what is not None:
        refused.append(what)
        raise EffectRefusedError(
            f"{what} is refused: a step's code is run up to its first request only to see it, and may not act before"
        )


def _written(path: Any, mode: Any = None, flags: Any = 0) -> str | None:
    writes = any(mark in mode for mark in "wax+") if isinstance(mode, str) else bool(flags & _WRITING)
    text = str(path)
    # Bytecode that an import writes does not count.
    harmless = text == os.devnull or "__pycache__" in text or isinstance(path, int)
    return f"writes {text}" if writes and not harmless else None
