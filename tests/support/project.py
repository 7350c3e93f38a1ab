"""Projects of users, made of files: immutable, so that a test says how its own differs from another."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from textwrap import dedent
from typing import Any, Self, TypeAlias

from support.prepared import SOURCES, Process, prepared_sessions

Running: TypeAlias = "Process | subprocess.Popen[str]"

_COUNT = re.compile(r"(\d+) (passed|failed|skipped|xfailed|xpassed|errors?|deselected)")


@dataclass(frozen=True, kw_only=True)
class Project:
    """Files by their path in the project, and the environment in which pytest runs there."""

    files: Mapping[str, str] = field(default_factory=dict[str, str])
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    is_fresh: bool = False

    def fresh(self) -> Self:
        """The project where pytest runs in an interpreter that imports everything itself."""
        return replace(self, is_fresh=True)

    def with_files(self, files: Mapping[str, str]) -> Self:
        """The project with these files added or replaced; their common indentation goes."""
        return replace(self, files={**self.files, **{name: dedent(text) for name, text in files.items()}})

    def without(self, *names: str) -> Self:
        """The project without the files whose path begins with one of ``names``."""
        return replace(
            self, files={name: text for name, text in self.files.items() if not name.startswith(names)}
        )

    def with_environment(self, **variables: str) -> Self:
        return replace(self, environment={**self.environment, **variables})

    def write(self, folder: Path) -> Path:
        """Write the files; gives the folder."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return folder

    def start(self, folder: Path, *arguments: str, terminal: int | None = None) -> Running:
        """Write the files into ``folder`` and start pytest there; ``terminal`` is where it prints, else a pipe.

        It starts as a copy of a process that has imported everything, ``fresh`` as a user starts it.
        """
        words = ("-m", "pytest", *_PLUGINS, *arguments)
        env = {**os.environ, **surroundings(folder), **self.environment}
        if not self.is_fresh:
            return prepared_sessions().python(self.write(folder), *words, env=env, stdout=terminal)
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=self.write(folder),
            env=env,
            stdout=subprocess.PIPE if terminal is None else terminal,
            stderr=subprocess.STDOUT,
            text=True,
            # Where this suite runs in the background of a shell, Ctrl-C is ignored, and so would it be there.
            preexec_fn=_heed_ctrl_c,  # noqa: PLW1509 - it takes no lock
        )

    def run(self, folder: Path, *arguments: str) -> "Finished":
        """Run pytest to its end."""
        process = self.start(folder, *arguments)
        return finished(process, folder)


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A run of pytest: its exit code, everything that it printed, and the folder as it left it."""

    code: int
    output: str
    folder: Path

    @property
    def counts(self) -> dict[str, int]:
        """``{"passed": 2, "failed": 1}``, as the last line says."""
        last = self.output.strip().splitlines()[-1]
        found = _COUNT.findall(last)
        assert found, f"pytest's counts are not the last that it said:\n{self.output}"
        return {noun.rstrip("s") if noun == "errors" else noun: int(count) for count, noun in found}

    @property
    def results(self) -> dict[str, Any]:
        """results.json of the report in its default place."""
        found: dict[str, Any] = json.loads((self.folder / "reports/agent-evals/results.json").read_text())
        return found

    @property
    def verdicts(self) -> dict[tuple[str, str], tuple[str, int, int]]:
        """Verdict, passes and trials by case and variant, as results.json holds them."""
        return {
            (case["name"], cell["variant"]): (cell["verdict"], cell["passes"], len(cell["trials"]))
            for case in self.results["cases"]
            for cell in case["cells"]
        }

    def lines(self, containing: str) -> list[str]:
        return [line for line in self.output.splitlines() if containing in line]


def finished(process: Running, folder: Path, *, seconds: float = 120) -> Finished:
    """Wait for pytest to end."""
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        output, _ = process.communicate()
        raise AssertionError(f"pytest did not end within {seconds} s:\n{output}") from None
    return Finished(code=process.wait(), output=output or "", folder=folder)


def read_until(process: Running, text: str) -> str:
    """What pytest prints up to the line that holds ``text``."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return "".join(lines)
    raise AssertionError(f"{text!r} was never printed:\n{''.join(lines)}")


def case_yaml(expect: str = "[not_contains: increased]", *, rest: str = "trials: 10") -> str:
    """A case of ``newsdesk`` that forks at its bad summary, the fifth step."""
    return f"version: 1\nfork: {{step: 5, agent: summarizer}}\n{rest}\nexpect: {expect}\n"


def _heed_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


_PLUGINS = ("-p", "no:asyncio", "-p", "no:hypothesispytest", "-p", "no:randomly", "-W", "error")


def surroundings(folder: Path) -> dict[str, str]:
    return {
        "XDG_CACHE_HOME": str(folder / ".user-cache"),
        "OPENAI_API_KEY": "none",
        "OPENAI_AGENTS_DISABLE_TRACING": "1",
        "COLUMNS": "120",
        "PYTEST_ADDOPTS": "",
        # Compiling DBOS and pandas anew takes longer than a test.
        "PYTHONDONTWRITEBYTECODE": "",
        "CI": "",
        "PYTHONPATH": SOURCES,
    }
