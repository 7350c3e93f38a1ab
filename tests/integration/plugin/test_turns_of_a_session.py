"""A conversation whose turns are workflows, one after the other, on one session of the OpenAI Agents SDK."""

import shutil
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.commands import run_python
from support.model_server import ModelServer, Received, Reply
from support.project import Project
from support.sampled import sampled

APPLICATION = """
import os
from agents import Agent, SQLiteSession, set_default_openai_api
from dbos import DBOS, SetWorkflowID
from dbos_openai_agents import DBOSRunner

set_default_openai_api("chat_completions")
agent = Agent(name="Clerk", instructions="Help the customer.", model="small")


@DBOS.workflow()
async def turn(customer: str, said: str) -> str:
    session = SQLiteSession(customer, os.environ.get("SESSIONS", "sessions.sqlite"))
    try:
        return (await DBOSRunner.run(agent, said, session=session)).final_output
    finally:
        session.close()


if __name__ == "__main__":
    from refork.production.sqlite_clock import install_sqlite_clock

    install_sqlite_clock()
    DBOS(config={"name": "turns", "system_database_url": "sqlite:///production.sqlite"})
    DBOS.launch()
    for number, said in enumerate(["I am Ann.", "I want a refund.", "Yes.", "Who am I?"], 1):
        with SetWorkflowID(f"turn-{number}"):
            DBOS.start_workflow(turn, "other", "A question of somebody else's.").get_result()
        with SetWorkflowID(f"ann-{number}"):
            DBOS.start_workflow(turn, "ann", said).get_result()
    DBOS.destroy()
"""
SETTINGS = '[tool.refork]\napp = "turns"\ntrials = 3\n'
ASKED = ["I am Ann.", "I want a refund.", "Yes."]
SENT = [
    ("system", "Help the customer."),
    ("user", "I am Ann."), ("assistant", "1 heard."),
    ("user", "I want a refund."), ("assistant", "2 heard."),
    ("user", "Yes."),
]  # fmt: skip
"""What the third turn's model was sent."""


def sent(request: Received) -> list[tuple[str, str]]:
    return [(message["role"], str(message["content"])) for message in request.body["messages"]]


def says(request: Received) -> Reply:
    return Reply(text=f"{sum(role == 'user' for role, _ in sent(request))} heard.")


@pytest.fixture(scope="module")
def model() -> Generator[ModelServer]:
    with ModelServer(says) as server:
        yield server


@dataclass(frozen=True)
class Production:
    """A folder in which four turns on a session were run, two sessions side by side."""

    folder: Path
    project: Project

    @property
    def store(self) -> Path:
        return self.folder / "sessions.sqlite"

    def refork(self, *words: str) -> str:
        done = run_python(
            self.folder,
            "-m",
            "refork.cli",
            *words,
            environment={
                **self.project.environment,
                "XDG_CACHE_HOME": str(self.folder / "cache"),
                "DBOS_SYSTEM_DATABASE_URL": f"sqlite:///{self.folder / 'production.sqlite'}",
            },
        )
        return done.stdout + done.stderr

    def capture(self, run: str = "ann-3", scope: str = "step") -> str:
        said = self.refork("capture", run, "--name", "third")
        case = self.folder / "evals/cases/third/case.yaml"
        if case.is_file():
            lines = [
                line for line in case.read_text().splitlines() if not line.startswith(("scope:", "expect:"))
            ]
            case.write_text("\n".join([*lines, f"scope: {scope}", "expect: [{contains: 3 heard}]", ""]))
        return said


@pytest.fixture(scope="module")
def recorded(model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Production:
    project = Project(files={"pyproject.toml": SETTINGS, "turns.py": APPLICATION})
    project = project.with_environment(
        OPENAI_BASE_URL=model.url, OPENAI_API_KEY="test", OPENAI_AGENTS_DISABLE_TRACING="1"
    )
    folder = project.write(tmp_path_factory.mktemp("recorded"))
    done = run_python(folder, "turns.py", environment=project.environment)
    assert done.returncode == 0, done.stderr
    return Production(folder, project)


@pytest.fixture
def production(recorded: Production, model: ModelServer, tmp_path: Path) -> Production:
    shutil.copytree(recorded.folder, tmp_path / "production", ignore=shutil.ignore_patterns("__pycache__"))
    model.requests.clear()
    return Production(tmp_path / "production", recorded.project)


def asked(requests: Sequence[Received]) -> list[list[tuple[str, str]]]:
    return [sent(request) for request in requests]


@pytest.mark.slow
@pytest.mark.parametrize("scope", sampled(["step", "tail"], quick=["step"]))
def test_the_third_turn_is_sent_what_was_said_before_it_and_writes_nothing(
    production: Production, model: ModelServer, scope: str
) -> None:
    before = production.store.read_bytes()
    assert "forked at step 1" in production.capture(scope=scope)
    assert model.count == 0
    done = production.project.run(production.folder, "--agent-evals")
    assert done.code == 0, done.output
    assert done.verdicts[("third", "current")][1:] == (3, 3)
    assert asked(model.requests) == [SENT] * 3
    assert production.store.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["step", "tail"])
def test_a_captured_turn_needs_no_store(production: Production, model: ModelServer, scope: str) -> None:
    production.capture(scope=scope)
    production.store.unlink()
    done = production.project.run(production.folder, "--agent-evals")
    assert done.code == 0, done.output
    assert done.verdicts[("third", "current")][1:] == (3, 3)
    assert asked(model.requests) == [SENT] * 3


@pytest.mark.slow
def test_every_turn_is_told_from_those_after_it(production: Production) -> None:
    for number in range(1, 5):
        said = production.refork("show", f"ann-{number}", "--json")
        assert said.count('"role": "user"') == number, said


@pytest.mark.slow
def test_a_store_without_the_turn_is_reported(production: Production) -> None:
    production.store.unlink()
    said = " ".join(production.capture().split())
    assert "session 'ann' holds nothing of this run" in said
