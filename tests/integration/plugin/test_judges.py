"""A judge in a session, a person who labels what came of it, and the next report. All over the wire."""

import json

import pytest
from refork.records import Answer
from refork_evals.agreement.labels import Label, save_labels
from refork_evals.agreement.rubrics import rubrics
from refork_evals.digests import output_digest
from refork_reports.results_file.read import RESULTS
from support.evals_builders import case
from support.model_server import ModelServer
from support.project import Finished, Project, case_yaml
from support.terminal_user import terminal
from yaml import safe_load

ROSE, FELL = "Revenue increased by 12%.", "Revenue fell by 12%."
RUBRIC = "Tells the reader how revenue moved."
EXPECT = f"""
  - judge: {{rubric: "{RUBRIC}", model: judge, votes: 3}}
"""
REPORT = f"reports/agent-evals/{RESULTS}"


@pytest.fixture(scope="module")
def done(project: Project, model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A session of a case whose outputs are labelled: whoever did it said that both of them pass."""
    yaml = case_yaml(EXPECT, rest="variants: [careful]\ntrials: 3")
    folder = tmp_path_factory.mktemp("judged")
    (rubric,) = rubrics(case(expect=tuple(safe_load(EXPECT))))
    labels = [
        Label(rubric=rubric.digest, output=output_digest(Answer(text=text)), passes=True)
        for text in (ROSE, FELL)
    ]
    save_labels(folder / "evals" / "cases" / "rosy", labels)
    model.requests.clear()
    return project.with_files({"evals/cases/rosy/case.yaml": yaml}).run(folder, "--agent-evals")


def test_votes_and_the_model_that_answered_are_in_the_results(done: Finished) -> None:
    (cell,) = [cell for cell in done.results["cases"][0]["cells"] if cell["variant"] == "careful"]
    (score,) = cell["trials"][0]["scores"]
    assert (score["passed"], score["value"]) == (True, 1.0)
    assert score["judge"] == {
        "asked": "judge",
        "answered": ["judge-2026-01-31"],
        "votes_pass": 3,
        "votes_fail": 0,
        "votes_error": 0,
    }


def test_labels_meet_the_outputs_of_the_session_by_what_they_say(done: Finished) -> None:
    (judge,) = done.results["cases"][0]["judges"]
    assert (judge["labels"], judge["agreement"]["outputs"], judge["agreement"]["too_few"]) == (2, 2, True)
    assert (judge["agreement"]["both_pass"], judge["agreement"]["false_fails"]) == (1, 1)
    assert judge["agreement"]["kappa"]["note"].startswith("every label says pass")
    page = (done.folder / REPORT).with_name("report.html").read_text(encoding="utf-8")
    assert "Agrees with a person on 1 of 2 labelled outputs" in page


@pytest.mark.slow
def test_somebody_at_a_terminal_is_asked_about_the_outputs_of_the_session(done: Finished) -> None:
    with terminal(done.folder, "label", "rosy", "--again") as user:
        shown = ""
        for _ in range(2):
            shown += user.wait_for("q quit")
            user.press("y")
        assert user.ended() == 0
    assert (shown.count(ROSE), shown.count(FELL), shown.count(RUBRIC)) == (1, 1, 2)
    assert "2 labelled (2 pass, 0 fail), 0 left" in user.screen


def test_the_judges_requests_are_the_same_for_every_variant_with_the_same_answer(
    done: Finished, model: ModelServer
) -> None:
    asked = [request for request in model.requests if "You judge whether" in request.instructions]
    bodies = {json.dumps(request.body, sort_keys=True) for request in asked}
    assert len(asked) == 3 * (3 + 3 + 1), (
        "three votes of three trials of two variants and of the recorded answer"
    )
    assert len(bodies) == 2, "one for each thing that was said"
    for hidden in ("careful", "current", "rosy", "summarizer"):
        assert hidden not in " ".join(bodies).lower()
