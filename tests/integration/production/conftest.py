"""Runs of ``briefing`` that were recorded once, the model that it talks to, and the user's project."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.model_server import ModelServer, Received, Reply
from support.project import Project
from support.recording import model_fixtures, run_recorder

APPS = Path(__file__).parents[2] / "support" / "apps"
RECORDER = APPS.parent / "write_briefs.py"
PROMPT = (
    "Summarize these figures.\n{% for row in rows %}\n{{ row.month }}: {{ row.revenue }}\n{%- endfor %}\n"
)


def answer(request: Received) -> Reply:
    told = "fell" if "careful" in request.instructions else "increased"
    return Reply(text=f"Revenue {told} by 12%.", cached_tokens=40, reasoning_tokens=4)


model, server = model_fixtures(answer)


@pytest.fixture(scope="session")
def briefs(model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the runs of ``briefing``."""
    folder = tmp_path_factory.mktemp("briefs")
    file = folder / "production.sqlite"
    record(f"sqlite:///{file}", model, folder)
    return file


def record(url: str, model: ModelServer, folder: Path) -> None:
    """Run the workflows of ``briefing`` in a process of their own, with ``url`` as their system database."""
    project_files(model).write(folder)
    environment = {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "none"}
    run_recorder(folder, str(RECORDER), url, environment=environment)


@pytest.fixture
def record_in(model: ModelServer, tmp_path: Path) -> Callable[[str], None]:
    """Records the same runs in a database of the test's own."""
    return lambda url: record(url, model, tmp_path)


@pytest.fixture(scope="session")
def project(model: ModelServer) -> Project:
    """The application, with a candidate that fixes its prompt."""
    return project_files(model)


def project_files(model: ModelServer) -> Project:
    files = {
        "pyproject.toml": '[tool.refork]\napp = "briefing"\n',
        "briefing.py": (APPS / "briefing.py").read_text(),
        "prompts/summarize.md": PROMPT,
        "evals/prompts/summarize/careful.md": "Be careful with {{ rows | length }} rows.\n{{ baseline }}",
    }
    return Project(environment={"OPENAI_BASE_URL": model.url}).with_files(files)
