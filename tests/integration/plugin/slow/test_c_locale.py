"""A machine without a locale, as containers are: texts are UTF-8 all the same, and the screen falls back to ASCII."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from support.commands import run_python
from support.model_server import Answer, ModelServer, Received, Reply
from support.project import Finished, Project, case_yaml
from support.report_data import trial_texts

SAID = "Umsatz fiel um 12 % – «größer» wäre schöner. 売上 ✓"
NO_LOCALE = {
    "LC_ALL": "C",
    "LANG": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONIOENCODING": "",
}


def answer(request: Received) -> Answer:
    return Reply(text=SAID if "sorgfältig" in request.instructions else f"increased: {SAID}")


@pytest.fixture(scope="module")
def speaker() -> Generator[ModelServer]:
    with ModelServer(answer) as server:
        yield server


@pytest.fixture(scope="module")
def umlauts(project: Project, speaker: ModelServer) -> Project:
    return (
        project.with_files(
            {
                "evals/prompts/summarizer/careful.md": "Schreibe sorgfältig: «kurz».\n",
                "evals/cases/rosy/case.yaml": case_yaml(
                    "[{not_contains: increased}, {contains: größer}]",
                    rest="description: Fällt – aber größer\ntrials: 10\nvariants: [careful]",
                ),
                "tests/test_says.py": f"""
                import pytest

                @pytest.mark.refork("rosy", variants=[], trials=2)
                def test_sagt_es(trial):
                    print("✓ geprüft")
                    assert trial.text == {SAID!r}
                """,
            }
        )
        .with_environment(OPENAI_BASE_URL=speaker.url, **NO_LOCALE)
        .fresh()
    )


@pytest.fixture(scope="module")
def done(umlauts: Project, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("locale") / "prüfung – 売上"
    folder.mkdir()
    summary = folder / "schritt.md"
    return umlauts.with_environment(GITHUB_STEP_SUMMARY=str(summary)).run(
        folder, "--agent-evals", "-v", "--junitxml=junit.xml"
    )


def test_a_whole_session_goes_through(done: Finished) -> None:
    assert done.verdicts[("rosy", "current")][:2] == ("fail", 0), done.output
    assert done.verdicts[("rosy", "careful")] == ("pass", 10, 10)
    for sign in ("UnicodeEncodeError", "UnicodeDecodeError", "INTERNALERROR", "Traceback"):
        assert sign not in done.output
    # The path of the project is the bytes that it is, whatever the locale says.
    assert [line for line in done.output.splitlines() if not line.isascii() and "fung" not in line] == []


def test_every_file_is_utf_8_and_says_what_was_said(done: Finished) -> None:
    assert "schöner" in (done.folder / "evals/cases/rosy/answers.jsonl").read_text("utf-8")
    assert "schöner" in trial_texts((done.folder / "reports/agent-evals/report.html").read_text("utf-8"))
    texts = [trial["answer"]["text"] for trial in done.results["cases"][0]["cells"][0]["trials"]]
    assert all(text.endswith(SAID) for text in texts)
    assert "careful" in (done.folder / "schritt.md").read_text("utf-8")


def test_the_next_session_takes_up_what_is_kept(
    done: Finished, umlauts: Project, speaker: ModelServer, tmp_path: Path
) -> None:
    name = "evals/cases/rosy/answers.jsonl"
    again = umlauts.with_files({name: (done.folder / name).read_text("utf-8")})
    speaker.requests.clear()
    second = again.run(tmp_path, "--agent-evals", "--agent-evals-answers=offline")
    assert second.verdicts == done.verdicts, second.output
    assert speaker.count == 0


@pytest.fixture(scope="module")
def recorded(umlauts: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in a database of production."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "newsdesk.py").write_text(umlauts.files["newsdesk.py"], "utf-8")
    recorder = Path(__file__).parents[3] / "support" / "record_newsdesk.py"
    environment = {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": umlauts.environment["OPENAI_BASE_URL"]}
    done = run_python(folder, str(recorder), str(folder), environment=environment)
    assert done.returncode == 0, done.stderr
    return folder / "production.sqlite"


COMMANDS = """
import sys
from refork.cli import main
command = []
for word in sys.argv[1:]:
    if word != "then":
        command.append(word)
        continue
    print("=====", main(command), file=sys.stderr)
    sys.stdout.flush()
    command = []
"""
"""Commands, each followed by ``then``. One process for all: it takes seconds to start."""


def test_the_commands_go_through_too(umlauts: Project, done: Finished, recorded: Path) -> None:
    shutil.copy(recorded, done.folder / "größer.sqlite")
    database = ("--db", "sqlite:///größer.sqlite")
    commands = (
        (("runs", *database), "run-1"),
        (("show", "run-1", *database, "--html", "lauf.html"), "lauf.html"),
        (("capture", "run-1", *database, "--step", "3", "--name", "taken"), "taken"),
        (("compare", "reports/agent-evals", "reports/agent-evals"), ""),
        (("runs", "--db", "sqlite:///prüf.sqlite"), "does not exist"),
    )
    told = subprocess.run(
        [
            sys.executable,
            "-u",
            "-c",
            COMMANDS,
            *(word for command, _ in commands for word in (*command, "then")),
        ],
        cwd=done.folder,
        env={**os.environ, "OPENAI_API_KEY": "none", **umlauts.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=120,
    )
    output = told.stdout.decode("utf-8")
    assert "Traceback" not in output, output
    for (_, said), printed in zip(commands, output.split("=====")[:-1], strict=True):
        assert said in printed, output
    run = json.loads((done.folder / "evals/cases/taken/run.json").read_text("utf-8"))
    assert "schöner" in json.dumps(run, ensure_ascii=False)
    assert "schöner" in (done.folder / "lauf.html").read_text("utf-8")
