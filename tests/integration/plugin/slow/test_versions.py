"""With the versions that people have: one whole path, from a recorded run to a red and a green verdict, and what
Refork relies on in DBOS, the agent frameworks and pytest.

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

ROOT = Path(__file__).parents[4]
RECORDER = ROOT / "tests/support/record_newsdesk.py"
CONTRACTS = (
    "tests/integration/forks/test_engine_contract.py",
    "tests/unit/refork/hosts/test_hosts.py",
    "tests/unit/refork/dbos/test_reading_contract.py",
    "tests/integration/frameworks/test_conformance.py",
)
EXTRAS = "clock,databricks,judge,openai-agents,postgres,pydantic-ai"
BESIDE_CONTRACTS = ("anthropic", "cryptography", "httpx", "hypothesis", "requests")
"""What the modules beside the contract tests import; installed after the leg, whose versions stay."""


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
    Leg(name="the newest of everything"),
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


@pytest.fixture(scope="module", params=LEGS, ids=lambda leg: leg.name)
def python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new virtual environment with Refork and what the leg says."""
    leg: Leg = request.param
    folder = tmp_path_factory.mktemp("leg")
    home, overrides = folder / "environment", folder / "overrides.txt"
    overrides.write_text("\n".join(leg.pins))
    _uv(folder, "venv", "--python", interpreter(leg.python), str(home))
    into = ("--python", str(home / "bin/python"), "--override", str(overrides))
    _uv(folder, "pip", "install", *into, *leg.options, f"{ROOT}[{EXTRAS}]", *leg.beside)
    _uv(folder, "pip", "install", *into, *BESIDE_CONTRACTS)
    return home / "bin/python"


def _uv(folder: Path, *arguments: str) -> None:
    cache = os.environ.get("XDG_CACHE_HOME", str(Path("~/.cache").expanduser()))
    done = _run([UV, *arguments, "--quiet"], folder, XDG_CACHE_HOME=cache)
    assert done.returncode == 0, done.stderr


def test_the_private_names_of_other_libraries_exist(python: Path, tmp_path: Path) -> None:
    command = [str(python), "-m", "pytest", *CONTRACTS, "--basetemp", str(tmp_path / "tests")]
    done = _run(command, ROOT, XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_recorded_failure_is_red_and_its_fix_green(
    python: Path, project: Project, model: ModelServer, tmp_path: Path
) -> None:
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
