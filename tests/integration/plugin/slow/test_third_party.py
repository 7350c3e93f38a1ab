"""A package of somebody else's adds a scorer, a command, a section of the report and a framework."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.commands import run_python
from support.model_server import ModelServer
from support.project import Project, case_yaml, surroundings

MODULE = """
import click
from refork.frameworks.plain_dbos.adapter import PlainSteps
from refork_reports.sections import Section

def begins_with(sample, text):
    return sample.answer.text.startswith(text), f"it begins with {sample.answer.text[:7]!r}"

@click.command("greet")
def greet():
    click.echo("hello from acme")

def slowest(evaluation):
    trials = sorted((t.trial.seconds or 0, t.trial.variant) for c in evaluation.cells for t in c.trials)
    rows = [(variant, f"{seconds:.2f} s") for seconds, variant in trials[-3:]]
    return Section(title="Slowest <trials>", columns=["variant", "time"], rows=rows)

def broken(evaluation):
    raise ValueError("nothing to see")

class Acme(PlainSteps):
    def __init__(self):
        super().__init__(name="acme")

    def recognises(self, step_names):
        return False
"""
ENTRY_POINTS = """
[refork.scorers]
begins_with = acme:begins_with
[refork.commands]
greet = acme:greet
[refork.sections]
slowest = acme:slowest
zz-broken = acme:broken
[refork.frameworks]
acme = acme:Acme
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the package was installed from its wheel."""
    folder = tmp_path_factory.mktemp("acme")
    wheel = folder / "acme-1.0-py3-none-any.whl"
    files = {
        "acme.py": MODULE,
        "acme-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n",
        "acme-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "acme-1.0.dist-info/entry_points.txt": ENTRY_POINTS,
    }
    files["acme-1.0.dist-info/RECORD"] = "".join(f"{name},,\n" for name in files)
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "install",
        "--offline",
        "--no-deps",
        "--target",
        "site",
        str(wheel),
    ]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "site"


def test_its_scorer_decides_and_its_sections_stand_in_the_report(
    project: Project, server: ModelServer, site: Path, tmp_path: Path
) -> None:
    paths = os.pathsep.join([surroundings(tmp_path)["PYTHONPATH"], str(site)])
    case = case_yaml("[{begins_with: {text: 'Revenue fell'}}]", rest="trials: 12")
    done = (
        project.with_files({"evals/cases/rosy/case.yaml": case})
        .with_environment(PYTHONPATH=paths)
        .fresh()
        .run(tmp_path, "--agent-evals")
    )
    assert done.verdicts["rosy", "current"] == ("fail", 0, 12), done.output
    assert done.verdicts["rosy", "careful"] == ("pass", 12, 12)
    page = (tmp_path / "reports/agent-evals/report.html").read_text()
    assert "Slowest &lt;trials&gt;" in page
    assert "This section could not be made by &#39;acme:broken&#39;: ValueError: nothing to see" in page


def test_its_command_and_its_framework_are_found(site: Path, tmp_path: Path) -> None:
    environment = surroundings(tmp_path)
    environment["PYTHONPATH"] += os.pathsep + str(site)
    said = run_python(tmp_path, "-m", "refork.cli", "greet", environment=environment, fresh=True)
    assert (said.returncode, said.stdout) == (0, "hello from acme\n"), said.stderr
    code = "from refork.frameworks.registry import installed; print(*[each.name for each in installed()])"
    listed = run_python(tmp_path, "-c", code, environment=environment, fresh=True)
    assert listed.stdout.split() == ["acme", "openai-agents", "pydantic-ai", "dbos"], listed.stderr
