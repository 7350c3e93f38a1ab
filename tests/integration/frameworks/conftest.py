"""Recorded runs of the sample applications, and the model that they talk to."""

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from refork.dbos.reader.reader import Reader
from refork.fork import open_session
from refork.frameworks.protocol import Framework
from refork.testing import ConformanceSample
from refork.values import DEFAULT
from support.model_server import Call, Failure, ModelServer, Received, Reply
from support.recording import run_recorder

TESTS = Path(__file__).parents[2]
SampleOf = Callable[..., AbstractContextManager[ConformanceSample]]


def answer(request: Received) -> Reply:
    if request.turn == 0:
        return Reply(calls=(Call("find_book", {"title": "Emma"}),))
    if "Catalogue" in (request.instructions or ""):
        return Reply(calls=(Call("final_result", {"shelf": 5}),))
    return Reply(text="On shelf 5.")


class Model:
    """:class:`refork.testing.ModelServer` over the tests' own."""

    def __init__(self, server: ModelServer) -> None:
        self._server = server

    def bodies(self) -> Sequence[Any]:
        return self._server.bodies

    def reset(self) -> None:
        self._server.requests.clear()

    def refuse_next(self) -> None:
        self._server.fail_next(Failure(400, "no"), times=1)


@pytest.fixture(scope="session")
def server() -> Generator[ModelServer]:
    with ModelServer(answer) as server:
        yield server


@pytest.fixture(scope="module")
def sample_of(server: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Generator[SampleOf]:
    """Records a workflow of a module in another process, and opens a session on that module."""
    folder = tmp_path_factory.mktemp("sample")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "OPENAI_BASE_URL": server.url,
            "OPENAI_API_KEY": "test-key",
            "SAMPLE_LEDGER": str(folder / "ledger"),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "PYTHONPATH": os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(TESTS)))),
        }.items():
            patch.setenv(name, value)

        @contextmanager
        def sample(
            framework: Framework,
            module: str,
            workflow: str,
            *,
            agent: str,
            run_id: str | None = None,
            **knows: bool,
        ) -> Generator[ConformanceSample]:
            framework.register(DEFAULT)
            database = folder / f"{module.rpartition('.')[2]}-{workflow}.sqlite"
            url = f"sqlite:///{database}"
            words = "-m", "support.record_sample", url, module, workflow
            run_recorder(TESTS, *words, environment={})
            ledger = folder / "ledger"
            ledger.unlink()
            with open_session(root=TESTS, modules=(module,), slot=workflow) as session:
                with Reader(url) as reader:
                    run = reader.run(run_id or workflow)
                yield ConformanceSample(
                    framework=framework,
                    run=run,
                    session=session,
                    server=Model(server),
                    agent=agent,
                    tool="find_book",
                    acted=ledger.exists,
                    **knows,
                )

        yield sample
