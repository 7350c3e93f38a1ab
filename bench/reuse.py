"""The second run of a suite that did not change: 50 cases, three variants, ten trials each, every answer kept."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from refork.case_files.run_file import save_run
from refork.records import Run

from bench.forks import ROOT
from bench.server import Server

CASES, TRIALS = 50, 10
CASE = """\
version: 1
fork: {{step: {step}, agent: looker}}
trials: {trials}
min_pass_rate: 0.6
expect: [not_contains: nothing]
"""
IMPORTS = "import pytest, dbos, agents, dbos_openai_agents, bench.application"
ROUNDS = 3


@dataclass(frozen=True)
class Second:
    """``seconds`` of the second run, ``imports`` of what it takes to import, ``calls`` that it made."""

    seconds: float
    imports: float
    calls: int


def measure(run: Run, server: Server) -> Second:
    with TemporaryDirectory() as folder:
        project = Path(folder)
        _write(project, run)
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(project / ".cache")}
        arguments = ["-m", "pytest", "--agent-evals", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
        arguments += ["--agent-evals-concurrency", "64"]
        _timed(arguments, project, environment)
        server.calls()
        seconds = min(_timed(arguments, project, environment) for _ in range(ROUNDS))
        imports = min(_timed(["-c", IMPORTS], project, environment) for _ in range(ROUNDS))
        return Second(seconds=seconds, imports=imports, calls=server.calls())


def _write(project: Path, run: Run) -> None:
    (project / "pyproject.toml").write_text('[tool.refork]\napp = "bench.application"\n')
    prompts = project / "evals/prompts/looker"
    prompts.mkdir(parents=True)
    for name in ("careful", "terse"):
        (prompts / f"{name}.md").write_text(f"{{{{ baseline }}}} Be {name}.\n")
    step = max(step.number for step in run.steps if step.kind == "model")
    for number in range(CASES):
        case = project / f"evals/cases/case-{number}"
        case.mkdir(parents=True)
        save_run(case, run)
        (case / "case.yaml").write_text(CASE.format(step=step, trials=TRIALS))


def _timed(arguments: list[str], folder: Path, environment: dict[str, str]) -> float:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return time.monotonic() - began
