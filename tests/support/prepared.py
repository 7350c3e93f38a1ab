"""Processes that start at once: copies of one that has imported everything already (see ``copied.py``)."""

import atexit
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TextIO

from support.copied import EXECUTABLE, SOCKET

TESTS: Final = Path(__file__).parent.parent
SOURCES: Final = os.pathsep.join(
    str(TESTS.parent / name) for name in ("harness", "evals", "reports", "pytest_plugin")
)
"""Those of this checkout, wherever another one is installed."""
FORKS: Final = (
    "support.fork_process",
    "support.plots",
    "support.warm_redaction",
    "refork.dbos.servers.throwaway_postgres",
    "openai",
    "h11",
)
SESSIONS: Final = ("support.warm_session",)
_BETWEEN_LOOKS: Final = 0.005
_VARIABLES: Final = {
    "PYTHONDONTWRITEBYTECODE": "",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "OPENBLAS_NUM_THREADS": "1",  # or it has threads, and a copy of it may hang
}


class Process:
    """A copy, in the words of :class:`subprocess.Popen`. ``stdout`` is what it prints, where that is a pipe."""

    def __init__(self, prepared: "Prepared", pid: int, stdout: TextIO | None) -> None:
        self._prepared, self.pid, self.stdout = prepared, pid, stdout
        self.returncode: int | None = None
        self._rest: Future[str] | None = None

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        if self.returncode is None:
            self.returncode = self._prepared.ask({"ended": self.pid})
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, when it has ended. Raises subprocess.TimeoutExpired."""
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if timeout is not None and until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired(f"copy {self.pid}", timeout)
            time.sleep(_BETWEEN_LOOKS)
        return code

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """What it printed, when it has ended. Raises subprocess.TimeoutExpired, after which it may be called again."""
        assert self.stdout is not None
        if self._rest is None:
            reader = ThreadPoolExecutor(1)
            self._rest = reader.submit(self.stdout.read)
            reader.shutdown(wait=False)
        try:
            text = self._rest.result(timeout)
        except TimeoutError:
            raise subprocess.TimeoutExpired(f"copy {self.pid}", timeout or 0) from None
        self.stdout.close()
        self.wait(timeout)
        return text, None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


class Written(Process):
    """A copy that prints into a file."""

    def __init__(self, prepared: "Prepared", pid: int, file: Path) -> None:
        super().__init__(prepared, pid, None)
        self._file = file

    @property
    def output(self) -> str:
        return self._file.read_text()

    def kill(self) -> str:
        """Kill it with SIGKILL, and give what it had printed."""
        self.send_signal(signal.SIGKILL)
        self.wait()
        return self.output

    def finish(self) -> str:
        """Wait for its end, which may not be a failure, and give what it printed."""
        assert self.wait() == 0, self.output
        return self.output


class Prepared:
    """``executable`` does for commands what Python does, as a copy."""

    def __init__(self, connection: socket.socket, executable: str) -> None:
        self._connection = connection
        self.executable = executable
        self._started = 0

    def start(self, function: str, *args: Any, folder: Path, env: Mapping[str, str]) -> Written:
        """Run ``module:function`` with arguments that are JSON, in a new process, its output in ``folder``."""
        self._started += 1
        file = folder / f"process-{self._started}.out"
        code = "import importlib, json, sys\n"
        code += "getattr(importlib.import_module(sys.argv[1]), sys.argv[2])(*json.loads(sys.argv[3]))"
        module, _, name = function.partition(":")
        words = ("-c", code, module, name, json.dumps(args))
        with file.open("ab") as out:
            pid = self._copy(words, Path.cwd(), os.environ | dict(env), out.fileno(), out.fileno())
            return Written(self, pid, file)

    def python(self, folder: Path, *words: str, env: Mapping[str, str], stdout: int | None = None) -> Process:
        """Run Python with these words in ``folder``, and with no variables but ``env``.

        Prints into the file ``stdout``, else into a pipe.
        """
        if stdout is not None:
            return Process(self, self._copy(words, folder, env, stdout, stdout), None)
        return self._piped(words, folder, env)

    def run(
        self, folder: Path, *words: str, env: Mapping[str, str], timeout: float = 120
    ) -> "subprocess.CompletedProcess[str]":
        """The same, to its end, as :func:`subprocess.run` does it."""
        with (folder / ".stderr").open("w+", encoding="utf-8") as errors:
            (folder / ".stderr").unlink()
            process = self._piped(words, folder, env, errors.fileno())
            output, _ = process.communicate(timeout)
            errors.seek(0)
            return subprocess.CompletedProcess(words, process.wait(), output, errors.read())

    def _piped(
        self, words: Sequence[str], folder: Path, env: Mapping[str, str], stderr: int | None = None
    ) -> Process:
        reading, writing = os.pipe()
        try:
            pid = self._copy(words, folder, env, writing, writing if stderr is None else stderr)
        finally:
            os.close(writing)
        return Process(self, pid, os.fdopen(reading, encoding="utf-8"))

    def _copy(
        self, words: Sequence[str], folder: Path, env: Mapping[str, str], stdout: int, stderr: int
    ) -> int:
        message = {"words": words, "folder": str(folder), "env": dict(env)}
        with Path(os.devnull).open("rb") as nothing:
            pid = self.ask(message, (nothing.fileno(), stdout, stderr))
        assert pid is not None
        return pid

    def ask(self, message: Mapping[str, Any], files: Sequence[int] = ()) -> int | None:
        data = json.dumps(message).encode() + b"\n"
        sent = socket.send_fds(self._connection, [data], files)
        self._connection.sendall(data[sent:])
        answer: int | None = json.loads(self._connection.recv(100))
        return answer


@contextmanager
def prepared_python(*modules: str, **variables: str) -> Generator[Prepared]:
    """A process that has imported ``modules``; by default what a process that forks runs needs."""
    with _preparing(*(modules or FORKS), **variables) as folder, _connected(folder) as prepared:
        yield prepared


@functools.cache
def prepared_sessions() -> Prepared:
    """One for as long as this process lasts. It has imported what ``pytest --agent-evals`` and ``refork`` import.

    Workers of pytest-xdist share that of their controller (:func:`prepare_for_workers`).
    """
    shared = os.environ.get(_SHARED)
    folder = shared or _lasting.enter_context(_preparing(*SESSIONS, PYTHONPATH=SOURCES))
    return _lasting.enter_context(_connected(folder))


def prepare_for_workers() -> None:
    """Begin to import what sessions need, while workers of pytest-xdist start and collect."""
    os.environ[_SHARED] = _lasting.enter_context(_preparing(*SESSIONS, PYTHONPATH=SOURCES))
    _lasting.callback(os.environ.pop, _SHARED)


@contextmanager
def _preparing(*modules: str, **variables: str) -> Generator[str]:
    """Start the process, and give its folder at once: who connects waits until it has imported everything."""
    with TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [sys.executable, "-m", "support.copied", folder, *modules],
            cwd=TESTS,
            env={**os.environ, **_VARIABLES, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            yield folder
        finally:
            server.terminate()
            server.wait()


@contextmanager
def _connected(folder: str) -> Generator[Prepared]:
    until = time.monotonic() + _LONGEST_START
    while not Path(folder, SOCKET).exists():
        assert time.monotonic() < until, "the process that is copied did not start"
        time.sleep(_BETWEEN_LOOKS)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(Path(folder, SOCKET)))
        yield Prepared(connection, str(Path(folder, EXECUTABLE)))


_SHARED: Final = "REFORK_TEST_PREPARED"
_LONGEST_START: Final = 60.0
_lasting: Final = ExitStack()
atexit.register(_lasting.close)
