"""What ``refork capture`` takes, each time in a process of its own: seconds beyond imports, and memory at its peak."""

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

ROOT = Path(__file__).resolve().parent.parent
SIZE: Final = 200_000
"""Characters of each step's output: 1,000 steps make 200 MB."""
ROUNDS: Final = 3
IMPORTED: Final = (
    *(
        "agents",
        "dbos_openai_agents",
        "refork.cli.capture",
        "refork.case_capture.loader",
        "refork.dbos.reader.reader",
    ),
    *("refork.fork", "refork.redaction.runs"),
)
"""What the command imports, which is not measured."""
_SETTINGS: Final = '[tool.refork]\napp = "bench.application"\n'


@dataclass(frozen=True)
class Taken:
    """``peak`` is in bytes, of the whole process."""

    seconds: float
    peak: int


@dataclass(frozen=True, kw_only=True)
class Captures:
    of_100: Taken
    of_1000: Taken
    of_7: Taken


def measure() -> Captures:
    """Needs the model's server. Of several rounds, each with its own process, the quickest counts."""
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/production.sqlite"
        python(Path(folder), "-m", "bench.captures", "write", url)
        return Captures(
            of_100=_best(Path(folder), url, "large-100"),
            of_1000=_best(Path(folder), url, "large-1000"),
            of_7=_best(Path(folder), url, "turns-3"),
        )


def _best(folder: Path, url: str, run: str) -> Taken:
    rounds = [_taken(folder, url, run) for _ in range(ROUNDS)]
    return Taken(min(one.seconds for one in rounds), max(one.peak for one in rounds))


def _taken(folder: Path, url: str, run: str) -> Taken:
    with TemporaryDirectory(dir=folder) as project:
        (Path(project) / "pyproject.toml").write_text(_SETTINGS)
        said = python(Path(project), "-m", "bench.captures", "take", url, run)
        assert (Path(project) / "evals" / "cases" / "bench" / "run.json").exists(), said
        return Taken(**json.loads(said.splitlines()[-1]))


def python(folder: Path, *arguments: str) -> str:
    """Run Python in a process of its own, in ``folder`` and with a cache there, and return what it printed."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"PYTHONPATH": path, "XDG_CACHE_HOME": str(folder / "cache")}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def write(url: str) -> None:
    """Run what is captured, as production would."""
    from agents import set_tracing_disabled
    from dbos import DBOS, SetWorkflowID

    from bench import application

    set_tracing_disabled(True)
    with production(url):
        runs: dict[str, tuple[Any, ...]] = {
            "large-100": (application.behind_large, 100, SIZE),
            "large-1000": (application.behind_large, 1000, SIZE),
            "turns-3": (application.behind_turns, 3),
        }
        for run, (workflow, *given) in runs.items():
            with SetWorkflowID(run):
                DBOS.start_workflow(workflow, *given).get_result()


@contextmanager
def production(url: str) -> Generator[None]:
    from dbos import DBOS

    DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR"})
    DBOS.launch()
    try:
        yield
    finally:
        DBOS.destroy()


def take(url: str, run: str) -> Taken:
    """Capture ``run`` in the current folder, at its last model step."""
    for module in IMPORTED:
        importlib.import_module(module)
    from refork.cli import main

    step = {"large-100": "101", "large-1000": "1001", "turns-3": "7"}[run]
    began = time.monotonic()
    code = main(["capture", run, "--db", url, "--step", step, "--name", "bench"])
    assert code == 0
    return Taken(time.monotonic() - began, peak())


def peak() -> int:
    """Bytes. Unlike what getrusage says, this counts nothing of the process that started this one."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(sys.argv[2])
    else:
        taken = take(*sys.argv[2:])
        print(json.dumps({"seconds": taken.seconds, "peak": taken.peak}))
