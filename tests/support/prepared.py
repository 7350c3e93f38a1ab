"""Processes that start at once: copies of one that has imported everything already.

``python -m support.prepared`` is that one. It has no threads; each line that it reads names a function and what
to call it with, and is answered by the id of a new process, or by the exit code of one that is asked for.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

TESTS: Final = Path(__file__).parent.parent
IMPORTED: Final = (
    "support.fork_process",
    "support.plots",
    "refork.dbos.servers.throwaway_postgres",
    "openai",
    "h11",
)


class Process:
    """A copy that runs a function. What it prints is in ``output``."""

    def __init__(self, prepared: "Prepared", pid: int, out: Path) -> None:
        self._prepared, self.pid, self._out = prepared, pid, out

    @property
    def output(self) -> str:
        return self._out.read_text()

    def kill(self) -> str:
        """Kill it with SIGKILL, and give what it had printed."""
        os.kill(self.pid, signal.SIGKILL)
        self._prepared.ask({"wait": self.pid})
        return self.output

    def finish(self) -> str:
        """Wait for its end, which may not be a failure, and give what it printed."""
        code = self._prepared.ask({"wait": self.pid})
        assert code == 0, self.output
        return self.output


class Prepared:
    def __init__(self, server: "subprocess.Popen[str]") -> None:
        self._server = server
        self._started = 0

    def start(self, function: str, *args: Any, folder: Path, env: Mapping[str, str]) -> Process:
        """Run ``module:function`` with arguments that are JSON, in a new process."""
        self._started += 1
        out = folder / f"process-{self._started}.out"
        pid = self.ask({"run": function, "args": args, "out": str(out), "env": dict(env)})
        return Process(self, pid, out)

    def ask(self, question: Mapping[str, Any]) -> int:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(question) + "\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())


@contextmanager
def prepared_python() -> Generator[Prepared]:
    server = subprocess.Popen(
        [sys.executable, "-m", "support.prepared"],
        cwd=TESTS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        yield Prepared(server)
        assert server.stdin is not None
        server.stdin.close()


def _serve() -> None:
    for module in IMPORTED:
        importlib.import_module(module)
    for line in sys.stdin:
        question = json.loads(line)
        if "wait" in question:
            _, status = os.waitpid(question["wait"], 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            _become(question["run"], question["args"], question["out"], question["env"])
        print(pid, flush=True)


def _become(function: str, args: Sequence[Any], out: str, env: Mapping[str, str]) -> None:
    """Run the function and end, as an interpreter does: with the threads that it waits for."""
    os.environ.update(env)
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    module, _, name = function.partition(":")
    try:
        getattr(importlib.import_module(module), name)(*args)
        code = 0
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.exit(code)


if __name__ == "__main__":
    _serve()
