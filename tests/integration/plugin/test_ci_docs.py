"""The workflows of docs/ci.md, their commands run one after the other as CI would run them."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.model_server import ModelServer
from support.prepared import prepared_sessions
from support.project import Project, case_yaml, surroundings

PAGE = (Path(__file__).parents[3] / "docs" / "ci.md").read_text(encoding="utf-8")
GOOD, BAD = "Be careful.", "Be positive."


def workflow(name: str) -> dict[Any, Any]:
    found = re.search(rf"<!-- workflow: {name} -->\n```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    loaded: dict[Any, Any] = yaml.safe_load(found[1])
    return loaded


def github(job: str) -> list[str]:
    steps = workflow("github")["jobs"][job]["steps"]
    return [step["run"].replace("${{ github.base_ref }}", "main") for step in steps if "run" in step]


def gitlab(job: str) -> list[str]:
    made = workflow("gitlab")
    return [*made["default"]["before_script"], *made[job]["script"]]


class Checkout:
    """A clone of a project that has a remote, in which commands run as on a machine of CI."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        # pip is not run: everything is installed here already. The others start as copies, which takes no time.
        tools = folder.parent / "tools"
        tools.mkdir(exist_ok=True)
        scripts = Path(sys.executable).parent
        commands = {"pip": "exit 0"} | {
            name: f'exec {prepared_sessions().executable} {scripts / name} "$@"'
            for name in ("pytest", "refork")
        }
        for name, command in commands.items():
            (tools / name).write_text(f"#!/bin/sh\n{command}\n")
            (tools / name).chmod(0o755)
        path = f"{tools}:{scripts}:{os.environ['PATH']}"
        plain = "-p no:asyncio -p no:hypothesispytest -p no:randomly"
        self.environment = {
            **os.environ,
            **surroundings(folder),
            **environment,
            "PATH": path,
            "PYTEST_ADDOPTS": plain,
            "GIT_AUTHOR_NAME": "n",
            "GIT_AUTHOR_EMAIL": "e@e",
            "GIT_COMMITTER_NAME": "n",
            "GIT_COMMITTER_EMAIL": "e@e",
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        }

    def run(self, *commands: str) -> "subprocess.CompletedProcess[str]":
        """Run them as one step after the other, until one fails; gives the last that ran."""
        done = [self._run(command) for command in commands[:1]]
        for command in commands[1:]:
            if not done[-1].returncode:
                done.append(self._run(command))
        return done[-1]

    def _run(self, command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", "-e", "-c", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def edit(self, name: str, before: str, after: str) -> None:
        path = self.folder / name
        path.write_text(path.read_text().replace(before, after))


@pytest.fixture(scope="module")
def checkout(project: Project, model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """On a branch of its own; main has a baseline and every answer that it was made of."""
    home = tmp_path_factory.mktemp("ci")
    settings = project.files["pyproject.toml"].replace("trials = 10\n", "")
    healthy = project.with_files(
        {
            "pyproject.toml": settings,
            "newsdesk.py": project.files["newsdesk.py"].replace(BAD, GOOD),
            "evals/cases/rosy/case.yaml": case_yaml(rest="variants: []"),
            ".gitignore": ".user-cache\nreports\nagent-evals.xml\n__pycache__\n.pytest_cache\n",
        }
    )
    made = Checkout(healthy.write(home / "project"), dict(project.environment))
    first = re.search(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    assert first is not None
    done = made.run(
        "git init --quiet --initial-branch main && git add . && git commit --quiet --message start",
        first[1],
        f"git init --quiet --bare {home / 'remote'} && git remote add origin {home / 'remote'}",
        "git push --quiet origin main && git switch --quiet --create branch",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(model.requests) >= 30
    return made


def test_an_unchanged_project_passes_offline_without_any_call(
    checkout: Checkout, server: ModelServer
) -> None:
    done = checkout.run(*github("offline"))
    assert done.returncode == 0, done.stdout
    assert "decided from reused answers alone" in done.stdout
    assert server.count == 0
    assert "refork_verdict" in (checkout.folder / "agent-evals.xml").read_text()


@pytest.mark.slow
def test_a_worse_prompt_is_left_to_the_live_job_which_is_red(checkout: Checkout, server: ModelServer) -> None:
    checkout.edit("newsdesk.py", GOOD, BAD)
    try:
        offline = checkout.run(*github("offline"))
        # The only case of the project: nothing at all could be measured.
        assert offline.returncode == 1, offline.stdout
        assert "no answer 1 is cached" in " ".join(offline.stdout.split())
        assert "measured nothing of any case does not pass" in " ".join(offline.stdout.split())
        assert server.count == 0
        live = checkout.run(*gitlab("live"))
        assert live.returncode == 1
        assert "gate FAILS: 1 case beside baseline.json of origin/main: 1 regressed" in live.stdout
        assert server.count == 10
    finally:
        checkout.edit("newsdesk.py", BAD, GOOD)
        checkout.run("git checkout --quiet -- evals")


@pytest.mark.slow
def test_the_night_asks_again_and_leaves_its_answers_on_a_branch(
    checkout: Checkout, server: ModelServer
) -> None:
    done = checkout.run(*github("nightly"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert server.count > 0
    shown = checkout.run("git log --oneline origin/agent-evals/answers -- evals/cases/rosy/answers.jsonl")
    assert "Answers of tonight" in shown.stdout


@pytest.mark.parametrize("job", ["offline", "live", "nightly"])
def test_both_ci_services_run_the_same_commands(job: str) -> None:
    def options(commands: list[str]) -> set[str]:
        (run,) = (command for command in commands if command.startswith("pytest"))
        return set(re.sub(r'["\']|origin/\S+', "", run).split())

    assert options(github(job)) == options(gitlab(job))
