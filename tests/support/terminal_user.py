"""Somebody at a real terminal: a command in a pseudo-terminal of a given width, and the keys that are pressed."""

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


class Terminal:
    """``screen`` is all that the command wrote, with its escapes."""

    def __init__(self, process: "subprocess.Popen[bytes]", end: int) -> None:
        self._process, self._end = process, end
        self.screen = ""

    def wait_for(self, text: str, *, seconds: float = 20.0) -> str:
        """What was written up to and with ``text``, since the last time; AssertionError where it never comes."""
        begin, due = len(self.screen), time.monotonic() + seconds
        while text not in self.screen[begin:]:
            assert self._read(due - time.monotonic()), f"{text!r} did not come: {self.screen[begin:]!r}"
        return self.screen[begin:]

    def press(self, keys: str) -> None:
        os.write(self._end, keys.encode())

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def ended(self, *, seconds: float = 20.0) -> int:
        """The exit code, after the rest was read."""
        due = time.monotonic() + seconds
        while self._read(due - time.monotonic()):
            pass
        return self._process.wait(timeout=max(0.1, due - time.monotonic()))

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._end], [], [], max(0.0, seconds))
        try:
            piece = os.read(self._end, 65536) if ready else b""
        except OSError:  # Linux says so when the other end is closed
            piece = b""
        self.screen += piece.decode(errors="replace").replace("\r\n", "\n")
        return bool(piece)


@contextmanager
def terminal(folder: Path, *command: str, columns: int = 80) -> Generator[Terminal]:
    """``refork COMMAND`` in ``folder``, ended with the block whatever it does."""
    end, inner = os.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    known = {
        name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "refork.cli", *command],
        cwd=folder,
        env={**known, "TERM": "xterm-256color", "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=inner,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
        # Its controlling terminal, so that Ctrl-C is a signal, as it is for people.
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no thread runs here
    )
    os.close(inner)
    try:
        yield Terminal(process, end)
    finally:
        process.kill()
        process.wait()
        os.close(end)
