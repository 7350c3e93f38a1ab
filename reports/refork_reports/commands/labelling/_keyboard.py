"""Reads single keys from a terminal: none is echoed, and keys pressed before the question do not count."""

import os
import select
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, Protocol

INTERRUPT: Final = "\x03"
END: Final = "\x04"
_ESCAPE: Final = b"\x1b"


class Keys(Protocol):
    def forget(self) -> None:
        """Discard the keys pressed so far, so that they do not answer a question that is not shown yet."""
        ...

    def read(self) -> str:
        """Return the next key; empty if the terminal is gone, or at Ctrl-D. Ctrl-C raises KeyboardInterrupt."""
        ...


@contextmanager
def keys() -> Generator[Keys]:
    """Open the keys of the terminal on stdin, and restore the terminal at the end."""
    try:
        import termios  # noqa: PLC0415 - not on Windows
    except ImportError:
        yield _ClickKeys()
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    made = _TerminalKeys(descriptor)
    made.take()
    try:
        yield made
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


class _TerminalKeys:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def take(self) -> None:
        """Take single keys. Unlike raw mode, this leaves output and signals unchanged."""
        import termios  # noqa: PLC0415
        import tty  # noqa: PLC0415

        tty.setcbreak(self._descriptor, termios.TCSADRAIN)

    def forget(self) -> None:
        import termios  # noqa: PLC0415

        termios.tcflush(self._descriptor, termios.TCIFLUSH)

    def read(self) -> str:
        self.take()  # again, since a shell may have taken the terminal back meanwhile
        try:
            first = os.read(self._descriptor, 1)
        except OSError:  # a terminal that was closed
            return ""
        if first == INTERRUPT.encode():
            raise KeyboardInterrupt
        if first == END.encode():
            return ""
        return self._whole(first)

    def _whole(self, first: bytes) -> str:
        """Return a whole key: an arrow key, or a letter beyond ASCII, is several bytes."""
        if first == _ESCAPE or first >= b"\x80":
            while select.select([self._descriptor], [], [], 0.01)[0] and (
                more := os.read(self._descriptor, 1)
            ):
                first += more
        return first.decode(errors="replace")


class _ClickKeys:
    def forget(self) -> None:
        """Do nothing, because Click reads only keys that are pressed from now on."""

    def read(self) -> str:
        import click  # noqa: PLC0415

        try:
            return click.getchar()
        except EOFError:
            return ""
