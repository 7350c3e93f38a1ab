"""Recorded runs, a model server, an empty ledger and a cache folder of its own for every module of fork tests."""

import pickle
from collections.abc import Generator
from pathlib import Path

import pytest
from refork.fork import ForkSession
from refork.records import Run
from support import plots
from support.forks import RUNS_FILE, fresh_session, record_runs, surroundings_of
from support.model_server import ModelServer
from support.prepared import Prepared, prepared_sessions


@pytest.fixture(scope="session")
def prepared() -> Prepared:
    """Gives processes in which everything is imported."""
    return prepared_sessions()


@pytest.fixture(scope="session")
def runs_file(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every plot of ``support.plots`` as a recorded run, pickled."""
    folder = tmp_path_factory.mktemp("recorded")
    record_runs(prepared, folder)
    return folder / RUNS_FILE


@pytest.fixture(scope="session")
def runs(runs_file: Path) -> dict[str, Run]:
    found: dict[str, Run] = pickle.loads(runs_file.read_bytes())
    return found


@pytest.fixture(scope="module", autouse=True)
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """A folder for everything that a module's sessions write, named in the environment."""
    folder = tmp_path_factory.mktemp("forks")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in surroundings_of(folder).items():
            patch.setenv(name, value)
        yield folder


@pytest.fixture(scope="module")
def module_server(surroundings: Path) -> Generator[ModelServer]:
    with ModelServer(plots.answer) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", server.url)
        yield server


@pytest.fixture
def server(module_server: ModelServer) -> ModelServer:
    """The model, as when the runs were recorded, and asked nothing yet."""
    module_server.script, module_server.latency = plots.answer, 0.0
    module_server.requests.clear()
    module_server.most_in_flight = 0
    return module_server


@pytest.fixture(scope="module")
def session(module_server: ModelServer) -> Generator[ForkSession]:
    """A session that the tests of a module share."""
    with fresh_session() as session:
        yield session


@pytest.fixture(autouse=True)
def code_as_recorded() -> None:
    plots.as_recorded()


@pytest.fixture(autouse=True)
def ledger(surroundings: Path) -> Path:
    """What the tools and steps wrote: not there as long as none of them ran."""
    path = surroundings / "ledger"
    path.unlink(missing_ok=True)
    return path
