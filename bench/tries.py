"""What ``refork try`` takes, as its user waits for it: from the command to the verdict, without the model's time."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from bench.captures import production, python
from bench.server import LATENCY, serving

ROUNDS: Final = 5
TRIALS: Final = 10
_SETTINGS: Final = f'[tool.refork]\napp = "bench.application"\nconcurrency = {2 * TRIALS}\n'
_RUN: Final = "turns-3"
_STEP: Final = 7


@dataclass(frozen=True, kw_only=True)
class Tried:
    """Seconds of the fastest round: of the whole command without the model's answers, and of what anybody imports.

    ``imports`` is a Python that only imports the application.
    """

    overhead: float
    imports: float


def measure() -> Tried:
    """Ask about one prompt in a project without a file, ten trials each at once, each round in a new project."""
    with serving() as _, TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/production.sqlite"
        python(Path(folder), "-m", "bench.tries", url)
        rounds = [_taken(Path(folder), url) for _ in range(ROUNDS)]
        imports = min(_timed(Path(folder), "-c", "import bench.application") for _ in range(ROUNDS))
    return Tried(overhead=min(rounds) - LATENCY, imports=imports)


def _taken(folder: Path, url: str) -> float:
    with TemporaryDirectory(dir=folder) as project:
        (Path(project) / "pyproject.toml").write_text(_SETTINGS)
        tried = ("--prompt", "{{ baseline }} Be brief.", "--expect", "not_contains: nothing")
        command = ("-m", "refork.cli", "try", f"{_RUN}@{_STEP}", *tried, "-n", str(TRIALS), "--yes")
        return _timed(Path(project), *command, "--db", url)


def _timed(folder: Path, *arguments: str) -> float:
    """Return the seconds that a Python takes."""
    began = time.monotonic()
    python(folder, *arguments)
    return time.monotonic() - began


def write(url: str) -> None:
    """Run what is asked about, as production would."""
    from agents import set_tracing_disabled
    from dbos import DBOS, SetWorkflowID

    from bench import application

    set_tracing_disabled(True)
    with production(url), SetWorkflowID(_RUN):
        handle: Any = DBOS.start_workflow(application.behind_turns, 3)
        handle.get_result()


if __name__ == "__main__":
    write(sys.argv[1])
