"""The way of an application with Refork: from a run that goes wrong to a gate, each command as a user types it."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from support.project import Finished

RECORDER: Final = Path(__file__).with_name("record.py")
CASE: Final = "tried"


@dataclass(frozen=True, kw_only=True)
class Application:
    """An application, how it is asked once, and the run of it that goes wrong.

    ``app`` are the modules that register its workflows, ``served`` its web application, ``workflow`` and ``step``
    where it goes wrong, ``prompt`` words of what that step's model was told, ``prompts`` the folder of its candidates,
    ``expect`` what the answer must meet, in the words of a case file, and ``candidate`` the prompt that fixes it.
    """

    name: str
    folder: Path
    app: str
    served: str
    path: str
    body: Mapping[str, Any]
    workflow: str
    step: int
    prompt: str
    prompts: str
    expect: str
    candidate: str
    model_steps: int
    settings: Mapping[str, str] = field(default_factory=dict[str, str])


class Journey:
    """One application's folder, copied, and the commands that run in it."""

    def __init__(
        self, application: Application, *, python: Path, folder: Path, environment: Mapping[str, str]
    ) -> None:
        self.application = application
        self.folder = folder / "project"
        self._python = python
        shutil.copytree(application.folder, self.folder, ignore=shutil.ignore_patterns("node_modules"))
        self._before = self.digests()
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        self._environment = {
            **kept,
            "PATH": os.pathsep.join([str(python.parent), "/usr/local/bin", "/usr/bin", "/bin"]),
            "PYTHONPATH": ".",
            "XDG_CACHE_HOME": str(folder / "user-cache"),
            "COLUMNS": "120",
            "REFORK_APP": application.app,
            **application.settings,
            **environment,
        }

    def record(self, **environment: str) -> None:
        """Ask the application once, as a user of it would."""
        asked = self.application
        self.run(str(RECORDER), asked.served, asked.path, json.dumps(asked.body), environment=environment)

    def runs(self) -> list[dict[str, Any]]:
        """``refork runs``."""
        found: list[dict[str, Any]] = json.loads(self.refork("runs", "--limit", "100", "--json"))["runs"]
        return found

    def run_id(self) -> str:
        """The newest run of the workflow that goes wrong."""
        return next(str(run["id"]) for run in self.runs() if run["workflow"] == self.application.workflow)

    def show(self, run: str) -> dict[str, Any]:
        """``refork show``."""
        shown: dict[str, Any] = json.loads(self.refork("show", run, "--json"))
        return shown

    def capture(self, run: str) -> None:
        """``refork capture``, and what a person writes afterwards: an expectation and a candidate."""
        self.refork("capture", run, "--step", str(self.application.step), "--name", CASE)
        case = self.folder / f"evals/cases/{CASE}/case.yaml"
        text = case.read_text()
        assert "\nexpect: []" in text
        case.write_text(text.replace("\nexpect: []", f"\nexpect: {self.application.expect}"))
        prompts = self.folder / "evals/prompts" / self.application.prompts
        prompts.mkdir(parents=True)
        (prompts / "careful.md").write_text(self.application.candidate)

    def evaluate(self, *options: str, **environment: str) -> Finished:
        """``pytest --agent-evals``."""
        done = self._started(["-m", "pytest", "--agent-evals", *options], environment)
        output = done.stdout + done.stderr
        assert "INTERNALERROR" not in output, output
        return Finished(code=done.returncode, output=output, folder=self.folder)

    def refork(self, *words: str) -> str:
        """A command that must go well; gives what it prints."""
        return self.run("-m", "refork.cli", *words)

    def run(self, *words: str, environment: Mapping[str, str] | None = None) -> str:
        done = self._started(list(words), environment or {})
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def digests(self) -> dict[str, str]:
        """What each of the application's own files holds, by a digest."""
        files = (
            path for path in self.folder.rglob("*") if path.is_file() and not _is_made_here(path, self.folder)
        )
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
        }

    def check_unmodified(self) -> None:
        """Not a line of the application was changed."""
        assert self.digests() == self._before

    def edit(self, name: str, change: Callable[[str], str]) -> None:
        """Change a file of the application, as its author would."""
        path = self.folder / name
        path.write_text(change(path.read_text()))

    def _started(
        self, words: list[str], environment: Mapping[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(self._python), *words],
            cwd=self.folder,
            env={**self._environment, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


_MADE: Final = re.compile(r"^(evals|reports|\.pytest_cache)/|/?__pycache__/|^mlruns|^mlflow\.db")


def _is_made_here(path: Path, folder: Path) -> bool:
    return _MADE.search(path.relative_to(folder).as_posix()) is not None
