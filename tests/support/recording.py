"""What the conftests share that record an application: the model that it asks, and a process that runs it."""

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest

from support.commands import run_python
from support.model_server import ModelServer, Script


def model_fixtures(answer: Script) -> tuple[Any, Any]:
    """The fixtures ``model``, a server of the session, and ``server``, the same when it has been asked nothing yet."""

    @pytest.fixture(scope="session", name="model")
    def model() -> Generator[ModelServer]:
        with ModelServer(answer) as server:
            yield server

    @pytest.fixture(name="server")
    def server(model: ModelServer) -> ModelServer:
        model.latency = 0.0
        model.requests.clear()
        return model

    return model, server


def run_recorder(folder: Path, *words: str, environment: Mapping[str, str]) -> None:
    """Run Python in ``folder`` with these words, and fail with what it said where it fails."""
    done = run_python(folder, *words, environment=environment)
    assert done.returncode == 0, done.stderr
