"""``refork try`` asks the same question of an application in each framework."""

import json
import os
from collections.abc import Generator
from pathlib import Path

import pydantic_ai.durable_exec.dbos as durable_exec
import pytest
from integration.frameworks.conftest import TESTS
from support.commands import run_python
from support.model_server import Call, ModelServer, Received, Reply
from support.project import surroundings
from support.recording import run_recorder

PYDANTIC_RUN = "ask" if hasattr(durable_exec, "DBOSDurability") else "ask-1"


def careless(request: Received) -> Reply:
    """Name the shelf only for a prompt that asks for it."""
    if request.turn == 0:
        return Reply(calls=(Call("find_book", {"title": "Emma"}),))
    return Reply(text="On shelf 5." if "shelf" in (request.instructions or "") else "Somewhere.")


@pytest.fixture(scope="module")
def librarian() -> Generator[ModelServer]:
    with ModelServer(careless) as server:
        yield server


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "run"),
    [("sample_openai_agents", "ask"), ("sample_plain", "ask"), ("sample_pydantic_ai", PYDANTIC_RUN)],
)
def test_the_prompt_that_would_have_helped_is_found_in_one_command(
    module: str, run: str, librarian: ModelServer, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'production.sqlite'}"
    environment = {
        **surroundings(tmp_path),
        "OPENAI_BASE_URL": librarian.url,
        "OPENAI_API_KEY": "test-key",
        "SAMPLE_LEDGER": str(tmp_path / "ledger"),
        "DBOS_SYSTEM_DATABASE_URL": url,
        "PYTHONPATH": os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(TESTS)))),
    }
    run_recorder(
        TESTS, "-m", "support.record_sample", url, f"support.apps.{module}", "ask", environment=environment
    )
    (tmp_path / "ledger").unlink()
    (tmp_path / "pyproject.toml").write_text(f'[tool.refork]\napp = "support.apps.{module}"\n', "utf-8")
    librarian.requests.clear()
    question = ("--prompt", "{{ baseline }} Name the shelf.", "--expect", "contains: shelf 5", "-n", "10")
    words = ("-m", "refork.cli", "try", f"{run}@3", *question, "--yes", "--json")
    done = run_python(tmp_path, *words, environment=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["passing"] == ["prompt-1"]
    verdicts = {each["variant"]: each["verdict"] for each in found["cases"][0]["variants"]}
    assert verdicts == {"current": "fail", "prompt-1": "pass"}
    assert librarian.count == 20
    assert not (tmp_path / "ledger").exists()
