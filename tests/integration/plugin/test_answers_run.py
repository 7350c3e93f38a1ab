"""What was paid for once: written down by one process, and enough for a run without a model."""

import json
from pathlib import Path

import pytest
from support.model_server import ModelServer
from support.project import Finished, Project, case_yaml

JUDGED = "[not_contains: increased, judge: {rubric: Says that revenue fell., model: judge-1}]"


@pytest.fixture(scope="module")
def suite(project: Project) -> Project:
    """Two cases, three variants, four trials, and a judge for one of them."""
    run = project.files["evals/cases/rosy/run.json"]
    return project.with_files(
        {
            "evals/cases/rosy/case.yaml": case_yaml(rest="trials: 4"),
            "evals/cases/judged/case.yaml": case_yaml(JUDGED, rest="trials: 4\nvariants: [careful]"),
            "evals/cases/judged/run.json": run,
        }
    ).with_environment(
        REFORK_JUDGE_BASE_URL=project.environment["OPENAI_BASE_URL"], REFORK_JUDGE_API_KEY="none"
    )


@pytest.fixture(scope="module")
def first(suite: Project, model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    model.requests.clear()
    done = suite.run(tmp_path_factory.mktemp("first"), "--agent-evals")
    assert len(model.requests) > 12
    return done


def kept(folder: Path) -> Project:
    """The files of a project as its folder has them now."""
    names = ["evals/cases/rosy/answers.jsonl", "evals/cases/judged/answers.jsonl"]
    return Project(files={name: (folder / name).read_text() for name in names})


def test_every_answer_is_a_line_of_its_case_in_a_stable_order(first: Finished) -> None:
    lines = (first.folder / "evals/cases/rosy/answers.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    assert [each["trial"] for each in found] == [1, 2, 3, 4] * 3
    assert {each["version"] for each in found} == {1}
    assert found == sorted(found, key=lambda each: (each["digest"], each["trial"]))
    judged = (first.folder / "evals/cases/judged/answers.jsonl").read_text().splitlines()
    kinds = [json.loads(line).get("kind", "answer") for line in judged]
    assert (kinds.count("answer"), kinds.count("judge")) == (8, 8 + 1)  # the recorded answer is judged too
    assert first.lines("answers: ")


def test_the_second_run_makes_no_call_and_says_the_same_and_from_when(
    suite: Project, first: Finished, server: ModelServer, tmp_path: Path
) -> None:
    again = suite.with_files(kept(first.folder).files)
    done = again.run(tmp_path, "--agent-evals")
    assert server.count == 0
    assert done.verdicts == first.verdicts
    assert done.lines("reused: 20 of 20 answers, of ")
    assert done.lines("paid now: nothing, no model was called")
    assert done.results["totals"]["reused"]["trials"] == 20
    assert kept(tmp_path).files == kept(first.folder).files


def test_offline_needs_no_model_and_names_the_prompt_that_changed(
    suite: Project, first: Finished, server: ModelServer, tmp_path: Path
) -> None:
    changed = {"evals/prompts/summarizer/careful.md": "Write one sentence.\nBe very careful.\n"}
    offline = suite.with_files({**kept(first.folder).files, **changed}).with_environment(
        OPENAI_BASE_URL="http://127.0.0.1:9/v1", REFORK_JUDGE_BASE_URL="http://127.0.0.1:9/v1"
    )
    done = offline.run(tmp_path, "--agent-evals", "--agent-evals-answers=offline")
    assert server.count == 0
    verdicts = {key: verdict for key, (verdict, _, _) in done.verdicts.items()}
    assert verdicts["rosy", "careful"] == "error"
    assert verdicts["rosy", "current"] == first.verdicts["rosy", "current"][0]
    assert done.lines("AnswerMissingError")
    assert "the request of variant 'careful' of agent 'summarizer'" in " ".join(done.output.split())


def test_only_the_prompt_that_changed_is_paid_for_and_the_others_stay(
    suite: Project, first: Finished, server: ModelServer, tmp_path: Path
) -> None:
    changed = {"evals/prompts/summarizer/terse.md": "{{ baseline }} Be very brief.\n"}
    done = suite.with_files({**kept(first.folder).files, **changed}).run(tmp_path, "--agent-evals", "-n", "2")
    assert server.count == 4
    assert done.lines("reused: 16 of 20 answers, of ")
    before = kept(first.folder).files["evals/cases/rosy/answers.jsonl"].splitlines()
    after = kept(tmp_path).files["evals/cases/rosy/answers.jsonl"].splitlines()
    assert len(after) == len(before) + 4
    assert set(before) < set(after)
