"""refork answers: what is kept, and what of it nothing can reach any more."""

import json
import subprocess
from pathlib import Path

import pytest
from support.commands import run_python
from support.model_server import ModelServer
from support.project import Project, case_yaml

RUN = "import sys; from refork.cli import main; sys.exit(main())"


@pytest.fixture(scope="module")
def measured(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with four answers of ``current`` and of each candidate; then one prompt changes, and one goes."""
    folder = tmp_path_factory.mktemp("measured")
    suite = project.with_files({"evals/cases/rosy/case.yaml": case_yaml(rest="trials: 4")})
    assert suite.run(folder, "--agent-evals").code == 1
    (folder / "evals/prompts/summarizer/terse.md").write_text("{{ baseline }} Be briefer.\n")
    (folder / "evals/prompts/summarizer/careful.md").unlink()
    return folder


def refork(folder: Path, project: Project, *arguments: str) -> "subprocess.CompletedProcess[str]":
    from support.project import surroundings

    environment = {**surroundings(folder), **project.environment}
    return run_python(folder, "-c", RUN, *arguments, environment=environment, timeout=60)


def test_stats_say_how_many_how_large_and_how_old(measured: Path, project: Project) -> None:
    shown = refork(measured, project, "answers", "stats")
    assert shown.returncode == 0
    assert "rosy" in shown.stdout
    (entry,) = json.loads(refork(measured, project, "answers", "stats", "--json").stdout)["cases"]
    assert (entry["case"], entry["answers"], entry["requests"]) == ("rosy", 12, 3)


def test_prune_removes_what_neither_the_code_nor_a_variant_asks_for_and_calls_nobody(
    measured: Path, project: Project, server: ModelServer
) -> None:
    file = measured / "evals/cases/rosy/answers.jsonl"
    before = file.read_text()
    dry = refork(measured, project, "answers", "prune", "--dry-run")
    assert dry.stdout == "rosy: 8 of 12 would go\n", dry.stderr
    assert file.read_text() == before
    done = refork(measured, project, "answers", "prune", "rosy")
    assert done.stdout == "rosy: 8 of 12 removed\n", done.stderr
    assert server.count == 0
    assert len(file.read_text().splitlines()) == 4


@pytest.mark.slow
def test_what_only_a_test_tries_is_asked_for_and_a_tail_that_cannot_be_followed_is_left_alone(
    project: Project, server: ModelServer, tmp_path: Path
) -> None:
    tools = '\n[tool.refork.tools]\npublish = "stub"\n'
    suite = project.with_files(
        {
            "pyproject.toml": project.files["pyproject.toml"] + tools,
            "conftest.py": """
                from refork.tool_policy.stubs import stub

                @stub("publish")
                def pretend(text):
                    return None
                """,
            "evals/cases/rosy/case.yaml": case_yaml(rest="trials: 2\nvariants: [careful]"),
            "evals/cases/tail/case.yaml": case_yaml(rest="trials: 2\nscope: tail\nvariants: [careful]"),
            "evals/cases/tail/run.json": project.files["evals/cases/rosy/run.json"],
            "tests/test_one.py": """
                import pytest

                @pytest.mark.refork("rosy", variants=["terse"], trials=2)
                def test_one(trial):
                    assert trial.text
                """,
        }
    )
    suite.run(tmp_path, "--agent-evals", "tests", "evals")
    files = [tmp_path / f"evals/cases/{name}/answers.jsonl" for name in ("rosy", "tail")]
    before = [file.read_text() for file in files]
    assert [text.count("\n") for text in before] == [8, 4]
    server.requests.clear()
    done = refork(tmp_path, suite, "answers", "prune")
    assert server.count == 0
    assert done.stdout == "rosy: 0 of 8 removed\n"
    assert "tail: left alone: 'tail': variant 'c" in done.stderr
    assert "ended with ToolDeniedError" in done.stderr
    assert [file.read_text() for file in files] == before
    live = suite.with_files({"pyproject.toml": suite.files["pyproject.toml"].replace("stub", "live")})
    live.write(tmp_path)
    assert "tail: left alone" in refork(tmp_path, live, "answers", "prune").stderr
    assert not (tmp_path / "published.txt").exists()


def test_prune_keeps_answers_of_cases_that_it_cannot_replay(
    measured: Path, project: Project, tmp_path: Path
) -> None:
    import shutil

    folder = tmp_path / "stale"
    shutil.copytree(measured, folder, ignore=shutil.ignore_patterns(".user-cache"))
    source = (
        (folder / "newsdesk.py").read_text().replace("    numbers = load(month)\n", "    numbers = [1]\n")
    )
    (folder / "newsdesk.py").write_text(source)
    before = (folder / "evals/cases/rosy/answers.jsonl").read_text()
    done = refork(folder, project, "answers", "prune")
    assert done.returncode == 1
    assert "rosy: left alone: 'rosy': the code no longer reaches" in done.stderr
    assert (folder / "evals/cases/rosy/answers.jsonl").read_text() == before
    unknown = refork(folder, project, "answers", "stats", "rosie")
    assert unknown.returncode == 2
    assert "did you mean 'rosy'?" in unknown.stderr
