"""``refork try``: from a failing run to a verdict on a new prompt in one command, and no file."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from integration.plugin.conftest import FELL, ROSE
from support.commands import run_python
from support.model_server import ModelServer
from support.project import Project, surroundings
from support.terminal_user import terminal

EXPECT = ("--expect", "not_contains: increased")


@dataclass(frozen=True)
class Shell:
    """A project's folder, with a production database whose ``run-1`` went wrong at step 5."""

    folder: Path
    project: Project
    environment: dict[str, str]

    def run(self, *words: str, command: str = "try") -> tuple[int, str, str]:
        line = ("-m", "refork.cli", command, *words)
        done = run_python(self.folder, *line, environment=self.environment)
        return done.returncode, done.stdout, done.stderr

    def json(self, *words: str) -> Any:
        code, out, err = self.run(*words, "--json")
        assert code in (0, 1), err
        return json.loads(out)


@pytest.fixture
def shell(project: Project, production: Path, server: ModelServer, tmp_path: Path) -> Shell:
    bare = project.without("evals/")
    url = f"sqlite:///{production / 'production.sqlite'}"
    environment = {
        **surroundings(tmp_path),
        **bare.environment,
        "DBOS_SYSTEM_DATABASE_URL": url,
        "COLUMNS": "80",
    }
    return Shell(bare.write(tmp_path), bare, environment)


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and ".user-cache" not in path.parts)


def test_a_prompt_is_tried_in_one_command_without_a_file_and_paid_for_once(
    shell: Shell, server: ModelServer
) -> None:
    before = files_of(shell.folder)
    words = ("run-1@5", "--prompt", "Be careful.", *EXPECT, "-n", "10")
    code, out, err = shell.run(*words)
    assert (code, server.count) == (0, 20), out + err
    assert "prompt-1  prompt 'Be careful.'" in out
    assert "pass (fix)" in out
    assert "✓ Take prompt-1: it fixes 1 of 1 failure" in out
    assert f"10 of 10  {ROSE}" in out
    assert "not_contains: contains 'increased'" in out
    assert f"10 of 10  {FELL}" in out
    assert "--save NAME" in out
    assert [path for path in files_of(shell.folder) if path.suffix != ".pyc"] == before
    assert (shell.run(*words)[0], server.count) == (0, 20)
    code, out, err = shell.run("run-1@5:current#3", "run-1@5:prompt-1#3", command="diff")
    assert code == 0, err
    assert "{+Be careful.+}" in out
    assert "~ output" in out


@pytest.mark.slow
def test_without_expectations_equal_answers_are_grouped_and_no_verdict_is_given(
    shell: Shell, server: ModelServer
) -> None:
    code, out, err = shell.run("run-1@summarizer", "--prompt", "coin")
    assert (code, server.count) == (0, 10), out + err
    assert f"5 of 5  {ROSE}" in out
    assert f"  {FELL}" in out
    assert "different answers" in out
    assert not any(word in out for word in ("pass", "fail", "verdict", "fixes"))
    found = shell.json("run-1@5", "--prompt", "coin")
    assert found["judged"] is False
    coin = found["cases"][0]["variants"][1]
    assert "verdict" not in coin
    assert {each["text"] for each in coin["outputs"]} == {ROSE, FELL}


@pytest.mark.slow
def test_what_was_tried_becomes_a_case_that_is_red_and_a_prompt_that_is_green(
    shell: Shell, server: ModelServer
) -> None:
    words = (
        "run-1@5",
        "--prompt",
        "Be careful.",
        "--model",
        "small,big",
        "--set",
        "temperature=0",
        *EXPECT,
        "--yes",
    )
    code, out, err = shell.run(*words, "-n", "10", "--save", "says-rose")
    assert code == 0, out + err
    paid = server.count
    assert {request.body["model"] for request in server.requests} >= {"small", "big"}
    prompts = shell.folder / "evals/prompts/summarizer"
    assert sorted(path.stem for path in prompts.iterdir()) == [
        "prompt-1-big-temperature-0",
        "prompt-1-small-temperature-0",
    ]
    done = shell.project.run(shell.folder, "--agent-evals", "-q")
    assert server.count == paid, done.output
    assert done.verdicts[("says-rose", "current")] == ("fail", 0, 10)
    assert {verdict for (_, variant), (verdict, _, _) in done.verdicts.items() if variant != "current"} == {
        "pass"
    }
    code, _, err = shell.run(*words, "-n", "10", "--save", "says-rose")
    assert "exists already" in err
    assert code == 2


@pytest.mark.slow
def test_a_fix_is_checked_on_every_run_that_matches_and_by_a_function_of_the_project(
    shell: Shell, server: ModelServer
) -> None:
    code = "def says_fell(sample):\n    return 'fell' in sample.answer.text, 'it must say fell'\n"
    (shell.folder / "checks.py").write_text(code)
    found = shell.json(
        "--where",
        "status=SUCCESS",
        "--last",
        "3",
        "--prompt",
        "careful",
        "--check",
        "checks:says_fell",
        "-n",
        "10",
    )
    [case] = found["cases"]
    assert (case["run"], case["step"]) == ("run-1", 5)
    assert found["passing"] == ["prompt-1"]
    assert case["variants"][0]["outputs"][0]["reasons"] == ["says_fell: it must say fell"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run-1@9",), "has no step 9"),
        (("run-2@5",), "run-2"),
        (("--where", "status=ERROR"), "no run matches"),
    ],
)
def test_a_run_or_step_that_is_not_there_is_one_line_and_costs_nothing(
    shell: Shell, server: ModelServer, words: tuple[str, ...], said: str
) -> None:
    code, out, err = shell.run(*words)
    assert code in (1, 2)
    assert said in " ".join(err.split())
    assert out == ""
    assert not server.count


@pytest.mark.slow
def test_another_result_of_a_tool_is_asked_about_and_becomes_a_variant_of_the_case(
    shell: Shell, server: ModelServer
) -> None:
    words = ("run-1@3", "--tool-result", '"plus 30%"', "--expect", "contains: '%'", "-n", "3")
    code, out, err = shell.run(*words, "--save", "other-numbers")
    assert 'before-1  with step 3 = "plus 30%"' in out, out + err
    asked = [request for request in server.requests if "plus 30%" in json.dumps(request.body)]
    assert len(asked) == 3
    written = (shell.folder / "evals/cases/other-numbers/case.yaml").read_text(encoding="utf-8")
    assert '"3": "plus 30%"' in written
    paid = server.count
    done = shell.project.run(shell.folder, "--agent-evals", "-q", "--agent-evals-trials", "3")
    assert server.count == paid, done.output
    assert ("other-numbers", "before-1") in done.verdicts
    alone = shell.project.run(
        shell.folder, "--agent-evals", "--agent-evals-variants=before-1", "-q", "--agent-evals-trials", "3"
    )
    assert {variant for _, variant in alone.verdicts} == {"current", "before-1"}
    assert server.count == paid
    assert code in (0, 1)


@pytest.mark.slow
def test_somebody_at_a_terminal_is_asked_for_a_name_until_it_can_be_one(
    shell: Shell, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in shell.environment.items():
        monkeypatch.setenv(name, value)
    with terminal(shell.folder, "try", "run-1@5", "--prompt", "Be careful.", *EXPECT, "-n", "10") as user:
        user.wait_for("or Enter for no", seconds=60)
        user.press("no/name\n")
        user.wait_for("or Enter for no", seconds=60)
        user.press("says-rose\n")
        assert user.ended() == 0, user.screen
    assert server.count == 20
    assert (shell.folder / "evals/cases/says-rose/case.yaml").is_file()
    assert (shell.folder / "evals/prompts/summarizer/prompt-1.md").read_text() == "Be careful.\n"


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_paid(
    shell: Shell, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in shell.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(server, "latency", 1.0)
    words = ("run-1@5", "--prompt", "Be careful.", *EXPECT, "-n", "10")
    with terminal(shell.folder, "try", *words) as user:
        due = time.monotonic() + 60
        while server.count < 8 and time.monotonic() < due:
            time.sleep(0.05)
        user.interrupt()
        assert user.ended(seconds=60) == 130, user.screen
    assert 8 <= server.count < 20
    monkeypatch.setattr(server, "latency", 0.0)
    assert shell.run(*words)[0] == 0
    assert server.count == 20


@pytest.mark.slow
def test_what_it_takes_is_said_before_and_asked_for_where_it_is_much(
    shell: Shell, server: ModelServer
) -> None:
    words = ("run-1@5", "--prompt", "Be careful.", *EXPECT, "-n", "10")
    code, out, _ = shell.run(*words, "--dry-run")
    assert (code, server.count) == (0, 0)
    assert "20 calls" in out
    (shell.folder / "pyproject.toml").write_text(
        shell.project.files["pyproject.toml"] + "ask_above = 0.0\n", encoding="utf-8"
    )
    code, out, err = shell.run(*words)
    assert (code, out, server.count) == (2, "", 0)
    assert "pass --yes" in err
    assert (shell.run(*words, "--yes")[0], server.count) == (0, 20)
