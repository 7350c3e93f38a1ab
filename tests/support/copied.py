"""The process that ``prepared.py`` has copied: it has imported everything, and forks itself when it is asked to.

``python -m support.copied FOLDER MODULE ...`` listens at a socket in FOLDER, and writes a script beside it. It ends
with the process that started it. It has no threads. A message is a line of JSON. Either it
describes a copy, by the words after ``python`` on a command line, and brings the files that the copy has as its
input, output and errors: the answer is the copy's id. Or it names a copy, and the answer is its exit code, null
while it runs.

The script asks for a copy: it stands for the interpreter. In copies it is ``sys.executable``, so that processes
which they start start at once too.
"""

import gc
import importlib
import json
import os
import runpy
import selectors
import shlex
import signal
import socket
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final, NoReturn

SOCKET: Final = "socket"
EXECUTABLE: Final = "python"
BETWEEN_LOOKS: Final = 1.0
"""Seconds."""
LAUNCHER: Final = Path(__file__).with_name("ask_for_copy.py")


class Copied:
    """Answers on its socket. In the process of a copy, ``serve`` returns."""

    def __init__(self, folder: Path) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self.address = str(folder / SOCKET)
        # Whoever sees the socket can connect to it: it gets its name when it listens.
        self._listener.bind(f"{self.address}.new")
        self._listener.listen()
        Path(f"{self.address}.new").rename(self.address)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)

    def serve(self) -> Sequence[str]:
        """Answer whoever connects. Returns in each copy, with the words to run."""
        parent = os.getppid()
        while os.getppid() == parent:
            for key, _ in self._selector.select(BETWEEN_LOOKS):
                if key.fileobj is self._listener:
                    self._accept()
                elif (words := self._answer(key.fileobj)) is not None:
                    return words
        sys.exit()

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        self._selector.register(connection, selectors.EVENT_READ)

    def _answer(self, connection: Any) -> Sequence[str] | None:
        data, files, _, _ = socket.recv_fds(connection, 1 << 16, 3)
        while data and not data.endswith(b"\n"):
            data += connection.recv(1 << 16)
        if not data:
            self._drop(connection)
            return None
        message = json.loads(data)
        if "ended" in message:
            pid, status = os.waitpid(message["ended"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        elif (answer := os.fork()) == 0:
            self._leave()
            _move_into(message["folder"], message["env"], files)
            words: Sequence[str] = message["words"]
            return words
        for each in files:
            os.close(each)
        connection.sendall(json.dumps(answer).encode())
        return None

    def _drop(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        connection.close()

    def _leave(self) -> None:
        """Close in a copy what is the original's."""
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()


def _move_into(folder: str, env: Mapping[str, str], files: Sequence[int]) -> None:
    """Take the folder, the variables and the files that a new interpreter would start with."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    for descriptor, file in enumerate(files):
        os.dup2(file, descriptor)
        os.close(file)
    sys.stdin = _stream(0, "r", "strict")
    sys.stdout = sys.__stdout__ = _stream(1, "w", "strict", by_lines=os.isatty(1))  # type: ignore[misc]
    sys.stderr = _stream(2, "w", "backslashreplace", by_lines=True)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _stream(descriptor: int, mode: str, errors: str, *, by_lines: bool = False) -> Any:
    file: IO[Any] = open(descriptor, mode, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
    if by_lines:
        file.reconfigure(line_buffering=True)  # type: ignore[attr-defined]
    return file


def _run(words: Sequence[str]) -> None:
    """Do what the interpreter does with these words: ``-m module``, ``-c code``, or a script."""
    first, *rest = words
    sys.path[1:1] = [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
    if first == "-m":
        sys.path[0] = str(Path.cwd())
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.path[0] = ""
        sys.argv = ["-c", *rest[1:]]
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.path[0] = str(Path(first).parent)
        sys.argv = list(words)
        runpy.run_path(first, run_name="__main__")


def _main() -> NoReturn:
    folder, *modules = sys.argv[1:]
    executable = Path(folder, EXECUTABLE)
    address = str(Path(folder, SOCKET))
    command = shlex.join((sys.executable, "-IS", str(LAUNCHER), sys.executable, address))
    executable.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    executable.chmod(0o700)
    copied = Copied(Path(folder))
    os.dup2(2, 1)
    gc.disable()
    for module in modules:
        importlib.import_module(module)
    sys.executable = str(executable)
    gc.collect()
    gc.freeze()  # so that no copy touches it
    gc.enable()
    words = copied.serve()
    try:
        _run(words)
    except Exception:
        traceback.print_exc()
        sys.exit(1)
    sys.exit()


if __name__ == "__main__":
    _main()
