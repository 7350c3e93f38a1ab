"""The evals database goes away in the middle of a session, and does not come back."""

from pathlib import Path
from typing import Any

from refork.dbos.evals_database.outages import PATIENCE_SECONDS
from support.model_server import ModelServer, Reply
from support.project import Project, case_yaml


def test_a_session_whose_database_is_gone_ends_and_says_so_and_pays_for_no_answer_twice(
    project: Project, tmp_path: Path, own_server: Any
) -> None:
    asked = 0

    def answer(_request: object) -> Reply:
        nonlocal asked
        asked += 1
        if asked == 5:
            own_server.stop()
        return Reply(text="Revenue fell by 12% in 2025.")

    ready = project.with_files({"evals/cases/rosy/case.yaml": case_yaml(rest="trials: 12")})
    with ModelServer(answer, latency=0.05) as server:
        ready = ready.with_environment(OPENAI_BASE_URL=server.url)
        gone = ready.with_environment(REFORK_DB=own_server.get_uri()).run(
            tmp_path / "project", "--agent-evals"
        )
        paid = len(server.requests)
        again = ready.run(tmp_path / "project", "--agent-evals")
        assert len(server.requests) == 3 * 12
    assert gone.code in (0, 1), gone.output
    assert paid < 3 * 12
    assert f"went away and did not come back within {PATIENCE_SECONDS:g} s" in " ".join(gone.output.split())
    assert "please report it" not in gone.output
    assert "Traceback" not in gone.output
    assert again.code in (0, 1), again.output
