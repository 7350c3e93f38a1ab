"""Agents of every shape are replayed as they were recorded, and forked at each of their model calls."""

import pickle
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from refork.case import Run, StepKind
from refork.files.tool_rules import project_rules
from refork.fork import ForkSession
from refork.outcome import ForkStatus
from refork.policy import ToolPolicy
from support import shapes
from support.forks import CAREFUL, case_of, measure, surroundings_of, text_of
from support.model_server import ModelServer, Received
from support.prepared import Prepared
from support.shapes import MCP_SERVER, MCP_URL, SESSIONS, SHAPES, Recording



UNRECORDED = {"mcp_by_stdio": "count", "mcp_by_http": "count", "a_tool_inside_that_is_no_step": "jot"}
"""Shapes with a tool that DBOS keeps nothing of, and its name."""


@dataclass(frozen=True)
class McpOverHttp:
    url: str
    process: "subprocess.Popen[bytes]"


@pytest.fixture(scope="module")
def mcp(surroundings: Path) -> Generator[McpOverHttp]:
    """An MCP server on a port of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(MCP_SERVER), str(port)], stderr=subprocess.DEVNULL)
    try:
        with pytest.MonkeyPatch.context() as patch:
            url = f"http://127.0.0.1:{port}/mcp"
            patch.setenv(MCP_URL, url)
            patch.setenv(SESSIONS, str(surroundings / "sessions.sqlite"))
            _wait_for(port)
            yield McpOverHttp(url, process)
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("the MCP server did not start")


@pytest.fixture(scope="module")
def recording(prepared: Prepared, surroundings: Path, mcp: McpOverHttp) -> Recording:
    """Every shape, run once by a plain DBOS in a process of its own."""
    out = surroundings / "shapes.pickle"
    environment = surroundings_of(surroundings) | {
        MCP_URL: mcp.url,
        SESSIONS: str(surroundings / "sessions.sqlite"),
    }
    prepared.start(
        "support.shapes:record_into",
        str(surroundings / "production.sqlite"),
        str(out),
        folder=surroundings,
        env=environment,
    ).finish()
    found: Recording = pickle.loads(out.read_bytes())
    return found


@pytest.fixture(autouse=True)
def as_recorded(module_server: ModelServer) -> None:
    shapes.as_recorded()
    module_server.script = shapes.answer
    module_server.requests.clear()


def replayed(session: ForkSession, run: Run) -> Run:
    """The run with what its model steps were sent."""
    replay = session.replay(run)
    assert replay.problem is None
    steps = [step for step in replay.run.steps if step.kind is StepKind.MODEL]
    assert steps
    assert all(step.request is not None for step in steps)
    return replay.run


def without_prompt(request: Received) -> dict[str, Any]:
    """The body of a request but for its system prompt."""
    body = {key: value for key, value in request.body.items() if key != "instructions"}
    if "messages" in body:
        body["messages"] = [item for item in body["messages"] if item["role"] != "system"]
    return body


def forked_everywhere(
    session: ForkSession, server: ModelServer, ledger: Path, run: Run, sent: list[Received]
) -> None:
    """Fork a run at each of its model steps: the trials ask what production asked, and nothing else happens."""
    ledger.unlink(missing_ok=True)
    asked: list[Received] = []
    for step in run.steps:
        if step.kind is not StepKind.MODEL:
            continue
        server.requests.clear()
        outcome = measure(session, case_of(run, step.number, agent=step.agent), 1, CAREFUL)
        assert (outcome.status, outcome.reason) == (ForkStatus.MEASURED, "")
        assert server.count == 2
        current, careful = sorted(server.requests, key=lambda each: "Careful!" in each.instructions)
        assert current.body in [each.body for each in sent]
        assert careful.instructions == f"Careful! {current.instructions}"
        assert without_prompt(careful) == without_prompt(current)
        said = {trial.variant: trial for trial in outcome.trials}
        for name, request in (("current", current), ("careful", careful)):
            assert said[name].answer is not None
            expected = shapes.answer(request)
            if isinstance(expected, str) and "number" not in expected:
                assert text_of(said[name]) == expected
        asked.append(current)
        assert not ledger.exists(), ledger.read_text()
    assert sorted(str(each.body) for each in asked) == sorted(str(each.body) for each in sent)


@pytest.mark.parametrize(
    "name", [name for name in SHAPES if name not in (*UNRECORDED, "nested_workflows")]
)
def test_a_shape_is_forked_at_each_of_its_model_calls(
    name: str, recording: Recording, session: ForkSession, server: ModelServer, ledger: Path
) -> None:
    server.script = shapes.answer
    run = replayed(session, recording.runs[name])
    assert server.count == 0
    assert not ledger.exists(), ledger.read_text()
    forked_everywhere(session, server, ledger, run, recording.received[name])


def test_a_replay_reads_what_a_session_held_before_the_run_and_writes_nothing_into_it(
    recording: Recording, session: ForkSession, server: ModelServer, ledger: Path, surroundings: Path
) -> None:
    store = surroundings / "sessions.sqlite"
    before = shapes.rows_of(store)
    assert len(before) == 8
    run = replayed(session, recording.runs["sessions"])
    forked_everywhere(session, server, ledger, run, recording.received["sessions"])
    assert shapes.rows_of(store) == before


def test_a_captured_session_needs_no_store(
    recording: Recording,
    session: ForkSession,
    server: ModelServer,
    ledger: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = replayed(session, recording.runs["sessions_with_a_past"])
    monkeypatch.setenv(SESSIONS, str(tmp_path / "elsewhere.sqlite"))
    forked_everywhere(session, server, ledger, run, recording.received["sessions_with_a_past"])
    assert shapes.rows_of(tmp_path / "elsewhere.sqlite") == []


@pytest.fixture
def granted(session: ForkSession) -> Generator[None]:
    """Tools that are no steps may act: so their answers get on record."""
    session._host.policy = ToolPolicy(rules=project_rules(dict.fromkeys(UNRECORDED.values(), "live")))
    yield
    session._host.policy = ToolPolicy()


@pytest.mark.parametrize("name", UNRECORDED)
def test_a_tool_that_is_no_step_does_not_act_in_a_replay_and_is_named(
    name: str, recording: Recording, session: ForkSession, server: ModelServer, ledger: Path
) -> None:
    replay = session.replay(recording.runs[name])
    assert replay.problem is not None
    assert f"tool {UNRECORDED[name]!r} left no checkpoint" in replay.problem
    assert not ledger.exists()
    assert server.count == 0


@pytest.mark.parametrize("name", UNRECORDED)
def test_once_its_answer_is_on_record_forks_do_without_the_tool(
    name: str, recording: Recording, session: ForkSession, server: ModelServer, ledger: Path, granted: None
) -> None:
    run = replayed(session, recording.runs[name])
    assert ledger.exists()
    session._host.policy = ToolPolicy()
    forked_everywhere(session, server, ledger, run, recording.received[name])
