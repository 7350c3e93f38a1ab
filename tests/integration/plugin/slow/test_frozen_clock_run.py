"""``frozen_clock = true``: a prompt that says what day it is, is sent with the day of the recorded run."""

import json
from pathlib import Path

from support.model_server import ModelServer
from support.project import Project, case_yaml


def test_a_prompt_with_todays_date_is_answered_from_what_is_kept_on_any_day(
    project: Project, server: ModelServer, tmp_path: Path
) -> None:
    own = project.files["newsdesk.py"]
    dated = own.replace(
        'instructions="Write one sentence.\\nBe positive."',
        'instructions=lambda context, agent: f"Write one sentence. It is {datetime.date.today()}."',
    )
    assert dated != own
    run = json.loads(project.files["evals/cases/rosy/run.json"])
    for step in run["run"]["steps"]:
        step["started_at"] = "2021-03-04T05:06:07+00:00"
    frozen = project.with_files(
        {
            "newsdesk.py": f"import datetime\n{dated}",
            "pyproject.toml": project.files["pyproject.toml"] + "frozen_clock = true\n",
            "evals/cases/rosy/run.json": json.dumps(run),
            "evals/cases/rosy/case.yaml": case_yaml(rest="trials: 2\nvariants: []"),
        }
    )
    frozen.run(tmp_path, "--agent-evals")
    assert {request.instructions for request in server.requests} == {"Write one sentence. It is 2021-03-04."}
    assert frozen.run(tmp_path, "--agent-evals").results["totals"]["reused"]["trials"] == 2
    assert server.count == 2
