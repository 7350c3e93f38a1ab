"""What a workflow looks up in DBOS, it finds in a replay as it did in production."""

from collections.abc import Generator
from pathlib import Path

import pytest
from support.commands import run_python
from support.model_server import ModelServer, Reply
from support.project import Project

APPLICATION = """
from dbos import DBOS, SetWorkflowID
from openai import OpenAI
from refork.production.sqlite_clock import install_sqlite_clock


@DBOS.step()
def summarize(found: str) -> str:
    messages = [{"role": "system", "content": "Sum up."}, {"role": "user", "content": found}]
    return OpenAI().chat.completions.create(model="m", messages=messages).choices[0].message.content


@DBOS.workflow()
def helper(n: int) -> int:
    DBOS.set_event("progress", {"n": n})
    return n * 2


@DBOS.workflow()
def main(n: int) -> str:
    handle = DBOS.start_workflow(helper, n)
    handle.get_result()
    status = DBOS.get_workflow_status(handle.workflow_id)
    found = [
        (status.status, status.name, status.output, status.input["args"]),
        handle.get_status().workflow_id,
        [each.workflow_id for each in DBOS.list_workflows(name="helper")],
        [step["function_name"] for step in DBOS.list_workflow_steps(handle.workflow_id)],
        DBOS.get_event(handle.workflow_id, "progress"),
        DBOS.get_event(handle.workflow_id, "absent", timeout_seconds=0.1),
        DBOS.retrieve_workflow(handle.workflow_id).get_result(),
        DBOS.retrieve_queue("work").name,
    ]
    return summarize(repr(found))


if __name__ == "__main__":
    install_sqlite_clock()
    DBOS(config={"name": "lookups", "system_database_url": "sqlite:///production.sqlite"})
    DBOS.launch()
    DBOS.register_queue("work", concurrency=2)
    with SetWorkflowID("run-1"):
        main(3)
    DBOS.destroy()
"""
SETTINGS = '[tool.refork]\napp = "lookups"\ntrials = 2\n'
FOUND = (
    "[('SUCCESS', 'helper', 6, (3,)), 'run-1-1', ['run-1-1'], ['DBOS.setEvent'], {'n': 3}, None, 6, 'work']"
)


@pytest.fixture
def model() -> Generator[ModelServer]:
    with ModelServer(lambda request: Reply(text=f"Summed up {request.user}")) as server:
        yield server


def test_look_ups_of_workflows_events_and_queues_answer_as_they_did(
    model: ModelServer, tmp_path: Path
) -> None:
    project = Project(files={"pyproject.toml": SETTINGS, "lookups.py": APPLICATION})
    project = project.with_environment(OPENAI_BASE_URL=model.url, OPENAI_API_KEY="test")
    folder = project.write(tmp_path / "project")

    def python(*words: str) -> str:
        environment = {
            **project.environment,
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "DBOS_SYSTEM_DATABASE_URL": f"sqlite:///{folder / 'production.sqlite'}",
        }
        done = run_python(folder, *words, environment=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    python("lookups.py")
    assert model.requests[-1].user == FOUND
    shown = python("-m", "refork.cli", "show", "run-1")
    assert "WorkflowStatus object" not in shown
    assert "$type" not in shown
    said = python("-m", "refork.cli", "capture", "run-1", "--name", "looked")
    assert "forked at step 13" in said
    case = folder / "evals/cases/looked/case.yaml"
    case.write_text(case.read_text().replace("expect: []", "expect: [{contains: nothing}]"))
    before = len(model.requests)
    done = project.run(folder, "--agent-evals")
    assert {request.user for request in model.requests[before:]} == {FOUND}
    assert len(model.requests) == before + 2, done.output
