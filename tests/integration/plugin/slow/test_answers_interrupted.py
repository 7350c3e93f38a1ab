"""What a session paid for is kept, however the session ends."""

import json
import signal
from pathlib import Path

import pytest
from support.model_server import ModelServer
from support.project import Project, case_yaml, finished, read_until

ONE_TEST = """
    import pytest

    @pytest.mark.refork("rosy", variants=[], trials=6)
    def test_says_something(trial):
        assert trial.text
    """


def test_answers_of_a_test_that_was_interrupted_are_kept_although_it_never_saw_them(
    project: Project, server: ModelServer, tmp_path: Path
) -> None:
    one = project.with_files(
        {
            "tests/test_one.py": ONE_TEST,
            "evals/cases/rosy/case.yaml": case_yaml(rest="variants: []\ntrials: 2"),
        }
    )
    with server.held():
        process = one.start(tmp_path, "tests", "--agent-evals", "--agent-evals-concurrency=2")
        server.wait_for(2, seconds=60)
        process.send_signal(signal.SIGINT)
        read_until(process, "waiting for 2 answers in flight")
    done = finished(process, tmp_path)
    assert done.code == pytest.ExitCode.INTERRUPTED, done.output
    kept = [
        json.loads(line) for line in (tmp_path / "evals/cases/rosy/answers.jsonl").read_text().splitlines()
    ]
    assert sorted(each["trial"] for each in kept) == [1, 2]
    assert (tmp_path / "evals/cases/.gitattributes").read_text() == "answers.jsonl merge=union\n"
    server.requests.clear()
    again = one.run(tmp_path, "tests", "--agent-evals")
    assert again.counts == {"passed": 1}
    assert server.count == 4
