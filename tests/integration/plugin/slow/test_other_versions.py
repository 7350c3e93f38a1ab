"""Under a library that lacks a private name, or that is newer than any that was tried."""

import subprocess
from pathlib import Path

from support.commands import run_python
from support.model_server import ModelServer
from support.project import Project

# Imported by Python itself when it starts, before anything of Refork.
LACKING = """
import dbos._queue
del dbos._queue._INTERNAL_QUEUE_CONSTRUCTION
"""
NEWER = """
from refork.hosts.dbos import DBOS
object.__setattr__(DBOS, "newest", "0.1")
"""
SENTENCE = (
    "has no dbos._queue._INTERNAL_QUEUE_CONSTRUCTION, which Refork needs to import applications that make"
)


def python(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(folder), "DBOS_SYSTEM_DATABASE_URL": "sqlite:///none.sqlite"}
    return run_python(folder, *words, environment=environment, fresh=True)


def test_a_missing_private_name_is_one_sentence_and_no_traceback(project: Project, tmp_path: Path) -> None:
    lacking = (
        project.with_files({"sitecustomize.py": LACKING}).with_environment(PYTHONPATH=str(tmp_path)).fresh()
    )
    done = lacking.run(tmp_path, "--agent-evals")
    assert SENTENCE in " ".join(done.output.split())
    assert "Traceback" not in done.output
    assert done.code == 1
    for words, code in ((["runs"], 1), (["doctor"], 1)):
        said = python(tmp_path, "-m", "refork.cli", *words)
        assert (said.returncode, "Traceback" in said.stderr) == (code, False), said.stderr
        assert SENTENCE in " ".join((said.stdout + said.stderr).split())


def test_a_newer_version_is_mentioned_once_and_the_session_runs(
    project: Project, server: ModelServer, tmp_path: Path
) -> None:
    done = project.with_files({"conftest.py": NEWER}).run(
        tmp_path, "--agent-evals", "--agent-evals-variants=careful"
    )
    assert len(done.lines("newer than what Refork was tried with: dbos")) == 1
    assert done.code in (0, 1), done.output
    assert server.count > 0
