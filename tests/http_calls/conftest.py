"""Recorded runs of the desk, the model that it asks, and a session that forks them."""

import os
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from refork.case import Run
from refork.engine.reading import Reader
from refork.fork import ForkSession, open_session
from refork.fork.retries import Retries
from refork.policy import Action, Rule, ToolPolicy
from refork.values import register
from support.apps.desk_llm import Letter
from support.forks import limits
from support.model_server import ModelServer, Received, Reply

TESTS = Path(__file__).parent.parent
Runs = Callable[[str], Run]


def answer(request: Received) -> Reply:
    if request.body.get("response_format"):
        urgent = "true" if "Careful" in request.instructions else "false"
        return Reply(text=f'{{"subject": "bill", "urgent": {urgent}}}')
    return Reply(text="To the clerk." if "Careful" in request.instructions else "To the bin.")


@pytest.fixture(scope="session")
def model() -> Generator[ModelServer]:
    with ModelServer(answer) as server:
        yield server


@pytest.fixture
def server(model: ModelServer) -> ModelServer:
    """The model, asked nothing yet."""
    model.requests.clear()
    return model


@pytest.fixture(scope="session")
def desk(model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """The folder of the desk's recorded runs, while its environment is that of the application."""
    folder = tmp_path_factory.mktemp("desk")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "OPENAI_BASE_URL": model.url,
            "OPENAI_API_KEY": "test-key",
            "DESK_LEDGER": str(folder / "ledger"),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "PYTHONPATH": os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(TESTS)))),
        }.items():
            patch.setenv(name, value)
        command = [sys.executable, "-m", "support.write_desk", f"sqlite:///{folder}/desk.sqlite"]
        done = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        (folder / "ledger").unlink()
        register(Letter)
        yield folder


@pytest.fixture(scope="session")
def recorded(desk: Path) -> Runs:
    def run(run_id: str) -> Run:
        with Reader(f"sqlite:///{desk}/desk.sqlite") as reader:
            return reader.run(run_id)

    return run


@pytest.fixture(scope="session")
def open_desk(desk: Path) -> Generator[ForkSession]:
    rules = (Rule(pattern="looking_up_step", action=Action.REPLAY),)
    with open_session(
        root=TESTS,
        modules=("support.apps.desk",),
        policy=ToolPolicy(rules=rules),
        models=("unseen_*",),
    ) as session:
        yield session


@pytest.fixture
def session(open_desk: ForkSession) -> Generator[ForkSession]:
    """Its attempts come fast."""
    with limits(open_desk, attempts=3):
        assert isinstance(open_desk._host.limits.retries, Retries)
        yield open_desk
