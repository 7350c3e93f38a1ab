"""Recorded runs of the desk, the model that it asks, and a session that forks them."""

import os
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from refork.dbos.reader.reader import Reader
from refork.fork import ForkSession, open_session
from refork.records import Run
from refork.values import register
from support.apps.desk_llm import Letter
from support.forks import limits
from support.model_server import ModelServer, Received, Reply
from support.recording import model_fixtures, run_recorder

TESTS = Path(__file__).parents[2]
Runs = Callable[[str], Run]


def answer(request: Received) -> Reply:
    if request.body.get("response_format"):
        urgent = "true" if "Careful" in request.instructions else "false"
        return Reply(text=f'{{"subject": "bill", "urgent": {urgent}}}')
    return Reply(text="To the clerk." if "Careful" in request.instructions else "To the bin.")


model, server = model_fixtures(answer)


@pytest.fixture(scope="session")
def desk_runs(model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the desk's recorded runs."""
    folder = tmp_path_factory.mktemp("desk")
    words = "-m", "support.write_desk", f"sqlite:///{folder}/desk.sqlite"
    run_recorder(TESTS, *words, environment=_surroundings(model, folder))
    (folder / "ledger").unlink()
    return folder


@pytest.fixture(scope="module")
def desk(desk_runs: Path, model: ModelServer) -> Generator[Path]:
    """The same, while the environment is that of the application."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _surroundings(model, desk_runs).items():
            patch.setenv(name, value)
        register(Letter)
        yield desk_runs


def _surroundings(model: ModelServer, folder: Path) -> dict[str, str]:
    return {
        "OPENAI_BASE_URL": model.url,
        "OPENAI_API_KEY": "test-key",
        "DESK_KEY": "test-key",
        "DESK_LEDGER": str(folder / "ledger"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "PYTHONPATH": os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(TESTS)))),
    }


@pytest.fixture(scope="module")
def recorded(desk: Path) -> Runs:
    def run(run_id: str) -> Run:
        with Reader(f"sqlite:///{desk}/desk.sqlite") as reader:
            return reader.run(run_id)

    return run


@pytest.fixture(scope="module")
def open_desk(desk: Path) -> Generator[ForkSession]:
    with open_session(
        root=TESTS, modules=("support.apps.desk", "support.apps.desk_agents"), models=("unseen_*",)
    ) as session:
        yield session


@pytest.fixture
def session(open_desk: ForkSession) -> Generator[ForkSession]:
    """Its attempts come fast."""
    with limits(open_desk, attempts=3):
        yield open_desk
