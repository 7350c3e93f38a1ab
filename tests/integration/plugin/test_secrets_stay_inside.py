"""What the environment and the clients hold reaches no file that a session leaves, no screen, and no next session."""

import base64
import gzip
import json
import pickle
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.model_server import Answer, ModelServer, Received, Reply
from support.project import Finished, Project, case_yaml
from support.report_data import trial_texts

BY_ENVIRONMENT = "zq8vN3xL0pTb7Yw2Qd"
BY_CLIENT = "k9-Lm2vXr7TqPz4-held-by-a-client"
BY_URL = "warehouse-Pw-7731"
BY_FORM = "glsa_aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW_0a1b2c3d"
IN_PROSE = "Falcon-2291-Porto"
SECRETS = (BY_ENVIRONMENT, BY_CLIENT, BY_URL, BY_FORM, IN_PROSE)
SAID = (
    f"Revenue fell; {BY_ENVIRONMENT}, {BY_CLIENT}, {BY_URL}, {BY_FORM}. The password is {IN_PROSE}. Ünïcode."
)

SETUP = f"""
from agents import set_default_openai_api, set_default_openai_client
from openai import AsyncOpenAI
from refork.tool_policy.stubs import stub

def setup():
    set_default_openai_api("chat_completions")
    set_default_openai_client(AsyncOpenAI(api_key="{BY_CLIENT}"))

@stub("publish")
def pretend(text):
    import logging, os
    logging.getLogger("dbos").error("published %s", os.environ["SHOP_API_KEY"])
    if "fail" in text:
        raise ValueError(f"no access with {{os.environ['SHOP_API_KEY']}} and {BY_CLIENT}")
    return f"published with {{os.environ['SHOP_API_KEY']}} and {BY_FORM}"
"""
TESTS = """
import os
import pytest

@pytest.mark.refork("rosy", variants=[], trials=2)
def test_says_it(trial):
    print(os.environ["SHOP_API_KEY"])
    assert "fell" in trial.text
    assert "***" in trial.text
    assert trial.text == os.environ["SHOP_API_KEY"]
"""


def answer(request: Received) -> Answer:
    return Reply(text=f"{SAID} fail" if "careful" in request.instructions else SAID)


@pytest.fixture(scope="module")
def talkative() -> Generator[ModelServer]:
    with ModelServer(answer) as server:
        yield server


@pytest.fixture(scope="module")
def leaky(project: Project, talkative: ModelServer) -> Project:
    granted = project.files["pyproject.toml"] + '\n[tool.refork.tools]\npublish = "stub"\n'
    run = project.files["evals/cases/rosy/run.json"]
    expect = "[{final: {contains: fell}}, {contains: '***'}]"
    return project.with_files(
        {
            "pyproject.toml": granted,
            "evals_setup.py": SETUP,
            "conftest.py": "import evals_setup\n",
            "tests/test_says.py": TESTS,
            "evals/cases/rosy/case.yaml": case_yaml("[contains: '***']", rest="trials: 2"),
            "evals/cases/tail/case.yaml": case_yaml(
                expect, rest="scope: tail\nvariants: [careful]\ntrials: 2"
            ),
            "evals/cases/tail/run.json": run,
        }
    ).with_environment(
        OPENAI_BASE_URL=talkative.url,
        SHOP_API_KEY=BY_ENVIRONMENT,
        WAREHOUSE=f"postgresql://reader:{BY_URL}@db.example.com/shop",
    )


@pytest.fixture(scope="module")
def done(leaky: Project, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("leaky")
    done = leaky.run(folder, "--agent-evals", "-v", "--junitxml=junit.xml", "-rA")
    assert {key: found[1:] for key, found in done.verdicts.items()} == {
        ("rosy", "current"): (2, 2),
        ("rosy", "careful"): (2, 2),
        ("rosy", "terse"): (2, 2),
        ("tail", "current"): (2, 2),
        ("tail", "careful"): (0, 2),
        ("rosy::test_says_it", "current"): (0, 2),
    }, done.output
    return done


def of_files(folder: Path, planted: Project) -> Iterator[tuple[str, str]]:
    """The text of every file that the session left, and of what its databases hold."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in planted.files and not name.endswith((".pyc", ".lock")):
            data = path.read_bytes()
            yield name, data.decode("utf-8", "replace")
            if name.endswith("report.html"):
                trials = trial_texts(data.decode("utf-8"))
                assert "Revenue fell" in trials
                yield name, trials
            if name.endswith(".sqlite"):
                yield from ((name, text) for text in of_database(path))


def of_database(path: Path) -> Iterator[str]:
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                yield from (plain for cell in row if isinstance(cell, str) for plain in readings(cell))


def readings(cell: str) -> Iterator[str]:
    """A cell as it stands, and as DBOS reads it."""
    yield cell
    try:
        data = base64.b64decode(cell, validate=True)
    except ValueError:
        return
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    yield data.decode("utf-8", "replace")
    if data[:1] == b"\x80":
        yield repr(pickle.loads(data))


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_is_on_the_screen_or_in_a_file(done: Finished, leaky: Project, secret: str) -> None:
    assert secret not in done.output
    found = dict.fromkeys(name for name, text in of_files(done.folder, leaky) if secret in text)
    assert not found


def test_the_files_are_there_and_hold_what_is_not_secret(done: Finished, leaky: Project) -> None:
    holding = {name for name, text in of_files(done.folder, leaky) if "Ünïcode" in text or "\\u00dc" in text}
    for name in ("evals/cases/rosy/answers.jsonl", "evals/cases/tail/answers.jsonl"):
        assert name in holding
    for name in ("results.json", "report.html"):
        assert f"reports/agent-evals/{name}" in holding
    (log,) = (text for name, text in of_files(done.folder, leaky) if name.endswith("dbos.log"))
    assert "published ***" in log


def test_the_next_session_takes_the_kept_answers_and_says_the_same(
    done: Finished, leaky: Project, talkative: ModelServer, tmp_path: Path
) -> None:
    names = [f"evals/cases/{name}/answers.jsonl" for name in ("rosy", "tail")]
    again = leaky.with_files({name: (done.folder / name).read_text("utf-8") for name in names})
    talkative.requests.clear()
    second = again.run(tmp_path, "--agent-evals", "--agent-evals-answers=offline")
    assert talkative.count == 0
    assert second.verdicts == done.verdicts
    trials = [_said(each) for each in (done, second)]
    assert trials[0] == trials[1]


def _said(done: Finished) -> list[str]:
    return [
        json.dumps([trial["answer"], trial["error"]])
        for case in done.results["cases"]
        for cell in case["cells"]
        for trial in cell["trials"]
    ]
