"""A user's way with a plain step that asks a model: captured, red, fixed by a candidate, and paid for once."""

import os
import re
from pathlib import Path

import pytest
from integration.http_calls.conftest import TESTS, Runs
from refork.case_capture.case_writer import capture
from refork.fork import ForkSession
from support.model_server import ModelServer
from support.project import Project


@pytest.mark.slow
def test_it_is_red_then_fixed_and_a_second_session_pays_nothing(
    session: ForkSession, recorded: Runs, server: ModelServer, tmp_path: Path, desk: Path
) -> None:
    run = session.replay(recorded("openai")).run
    captured = capture(run, step=1, cases=tmp_path / "cases", name="binned", agent=run.steps[0].agent)
    written = (captured.folder / "case.yaml").read_text()
    assert 'agent: "openai_step"' in written
    project = Project(
        files={
            "pyproject.toml": '[tool.refork]\napp = "support.apps.desk"\n',
            "evals/prompts/openai_step/careful.md": "Careful! {{ baseline }}",
            "evals/cases/binned/run.json": (captured.folder / "run.json").read_text(),
            "evals/cases/binned/case.yaml": written.replace("expect: []", "expect: [not_contains: bin]"),
        },
        environment={
            "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]),
            "OPENAI_BASE_URL": server.url,
        },
    )
    server.requests.clear()
    done = project.with_environment(OPENAI_API_KEY="none").run(tmp_path / "project", "--agent-evals")
    assert done.verdicts["binned", "current"][:2] == ("fail", 0), done.output
    assert done.verdicts["binned", "careful"][0] == "pass", done.output
    tried = sum(trials for (_, variant), (*_, trials) in done.verdicts.items() if variant != "recorded")
    assert server.count == tried
    assert re.search(r"recorded +fail", done.output), done.output

    kept = (tmp_path / "project/evals/cases/binned/answers.jsonl").read_text()
    again = project.with_files({"evals/cases/binned/answers.jsonl": kept})
    offline = again.run(tmp_path / "project", "--agent-evals", "--agent-evals-answers=offline")
    assert offline.verdicts == done.verdicts, offline.output
    assert server.count == tried
