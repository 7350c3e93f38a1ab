"""Captures of large runs, and of one of seven steps, each by the command line in a process of its own."""

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from refork.cli import main

from bench import forks

ROOT = Path(__file__).resolve().parent.parent
LARGE, SMALL = 1000, 100
SETTINGS = '[tool.refork]\napp = "bench.application"\n'


@dataclass(frozen=True)
class Captured:
    """``peak`` memory of the process in bytes; ``seconds`` of the command alone, imports of a first one apart."""

    peak: int
    seconds: float
    written: int


@dataclass(frozen=True)
class Captures:
    large: Captured
    small: Captured
    seven: Captured


def measured() -> Captures:
    """Runs of ``LARGE`` and ``SMALL`` steps with outputs of ``OUTPUT`` characters, and of seven steps."""
    with TemporaryDirectory() as folder:
        database = f"sqlite:///{folder}/production.sqlite"
        forks.record_large(database, (LARGE, SMALL))
        (Path(folder) / "pyproject.toml").write_text(SETTINGS)
        return Captures(
            large=_captured(database, f"large-{LARGE}", folder, step=LARGE + 1),
            small=_captured(database, f"large-{SMALL}", folder, step=SMALL + 1),
            seven=_captured(database, "seven", folder, step=7),
        )


def _captured(database: str, run: str, folder: str, *, step: int) -> Captured:
    command = [sys.executable, "-m", "bench.captures", database, run, str(step)]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OPENAI_API_KEY": "none"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return Captured(**json.loads(done.stdout.splitlines()[-1]))


def _capture(database: str, run: str, step: str) -> None:
    """The command twice where it is quick: the first pays for the imports."""
    arguments = ["capture", run, "--db", database, "--step", step, "--force", "--name"]
    if run == "seven":
        assert main([*arguments, "first"]) == 0
    began = time.perf_counter()
    assert main([*arguments, run]) == 0
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    written = (Path("evals/cases") / run / "run.json").stat().st_size
    print(json.dumps({"peak": peak, "seconds": seconds, "written": written}))


if __name__ == "__main__":
    _capture(*sys.argv[1:])
