"""One whole path, from a recorded run to a red and a green verdict, with the versions that people have.

Each leg has an environment of its own, made by uv. docs/compatibility.md says what these legs are.
"""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.applications.environments import UV, interpreter
from support.model_server import ModelServer
from support.project import Project

ROOT = Path(__file__).parents[3]
RECORDER = ROOT / "tests/support/record_newsdesk.py"


@dataclass(frozen=True, kw_only=True)
class Leg:
    """Versions that are installed together. ``pins`` win over what the packages ask for; ``options`` are uv's."""

    name: str
    python: str = "3.11"
    beside: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


LEGS = (
    Leg(name="the lowest of everything", options=("--resolution", "lowest-direct")),
    Leg(name="beside databricks-openai and mlflow", beside=("databricks-openai>=0.9", "mlflow>=3.8")),
    Leg(name="dbos 3.0", pins=("dbos==3.0.0",)),
    Leg(name="openai 2 and openai-agents 0.20", pins=("openai==2.54.0", "openai-agents==0.20.0")),
    Leg(name="Python 3.12", python="3.12"),
    Leg(name="Python 3.13", python="3.13"),
)


def _run(command: Sequence[str], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "REFORK"))
    }
    environment |= {"XDG_CACHE_HOME": str(folder / ".user-cache"), "OPENAI_AGENTS_DISABLE_TRACING": "1"}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment | {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPATH": "."} | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


def _environment(leg: Leg, folder: Path) -> Path:
    """A new virtual environment with Refork and what the leg says."""
    home = folder / "environment"
    (folder / "overrides.txt").write_text("\n".join(leg.pins))
    cache = {name: os.environ[name] for name in ("XDG_CACHE_HOME",) if name in os.environ}
    cache.setdefault("XDG_CACHE_HOME", str(Path("~/.cache").expanduser()))
    made = _run([UV, "venv", "--quiet", "--python", interpreter(leg.python), str(home)], folder, **cache)
    assert made.returncode == 0, made.stderr
    python = home / "bin/python"
    overrides = ["--override", str(folder / "overrides.txt")] if leg.pins else []
    installing = [
        UV,
        "pip",
        "install",
        "--quiet",
        "--python",
        str(python),
        *overrides,
        *leg.options,
        str(ROOT),
        *leg.beside,
    ]
    installed = _run(installing, folder, **cache)
    assert installed.returncode == 0, installed.stderr
    return python


@pytest.mark.parametrize("leg", LEGS, ids=lambda leg: leg.name)
def test_a_recorded_failure_is_red_and_its_fix_green(
    leg: Leg, project: Project, model: ModelServer, tmp_path: Path
) -> None:
    python = _environment(leg, tmp_path)
    folder = project.write(tmp_path / "project")
    (folder / "evals/cases/rosy/run.json").unlink()
    where = {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "none"}
    recorded = _run([str(python), str(RECORDER), str(folder)], folder, **where)
    assert recorded.returncode == 0, recorded.stderr
    (folder / "run.json").replace(folder / "evals/cases/rosy/run.json")
    done = _run([str(python), "-m", "pytest", "--agent-evals", "evals/cases"], folder, **where)
    assert "INTERNALERROR" not in done.stdout, done.stdout
    results = json.loads((folder / "reports/agent-evals/results.json").read_text())
    verdicts = {cell["variant"]: cell["verdict"] for cell in results["cases"][0]["cells"]}
    assert verdicts == {"current": "fail", "careful": "pass", "terse": "fail"}, done.stdout
