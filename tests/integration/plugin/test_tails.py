"""A case with ``scope: tail`` runs to the end of the workflow, and acts where pyproject.toml says so."""

from pathlib import Path

import pytest
from support.model_server import ModelServer
from support.project import Finished, Project, case_yaml

EXPECT = """
  - final: {contains: fell}
  - steps: {max: 2}
  - trajectory: []
"""
STUB = """
from refork.tool_policy.stubs import stub

@stub("publish")
def pretend(text):
    with open("pretended.txt", "a") as file:
        file.write(text + "\\n")
"""


@pytest.fixture(scope="module")
def tail(project: Project) -> Project:
    granted = project.files["pyproject.toml"] + '\n[tool.refork.tools]\npublish = "stub"\n'
    return project.with_files(
        {
            "pyproject.toml": granted,
            "conftest.py": STUB,
            "evals/cases/rosy/case.yaml": case_yaml(
                EXPECT, rest="scope: tail\nvariants: [careful]\ntrials: 10"
            ),
            "tests/test_tail.py": """
                import pytest

                @pytest.mark.refork("rosy", variants=[], trials=9)
                def test_is_published(trial):
                    assert [step.tool or step.name for step in trial.trajectory][-1] == "publish"
                    assert trial.scope == "tail"
                    assert trial.structured is None and trial.tool_calls == ()
                """,
        }
    )


@pytest.fixture(scope="module")
def done(tail: Project, model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    model.requests.clear()
    return tail.run(tmp_path_factory.mktemp("tail"), "--agent-evals", "-v")


def test_the_workflows_result_decides_and_the_candidate_fixes_it(done: Finished) -> None:
    assert done.verdicts[("rosy", "current")] == ("fail", 0, 10), done.output
    assert done.verdicts[("rosy", "careful")] == ("pass", 10, 10)
    assert done.code == 1


def test_every_trial_went_through_the_stub_and_none_acted(done: Finished) -> None:
    said = (done.folder / "pretended.txt").read_text().splitlines()
    assert sorted(said) == ["Revenue fell by 12%."] * 10 + ["Revenue increased by 12%."] * 19
    assert not (done.folder / "published.txt").exists()


def test_a_failure_tells_the_steps_of_its_first_failing_trial_and_production_s(done: Finished) -> None:
    said = done.output.partition("first failing trial, number 1 under current:")[2]
    way, _, result = said.partition("its steps:")[2].partition("its result:")
    assert way.split("\n")[1:4] == [
        "  5. model summarizer: Revenue increased by 12%.",
        '  6. other publish {"text": "Revenue increased by 12%."}',
        "Production called no tool either.",
    ]
    assert result.strip().startswith("| Revenue increased by 12%.")


def test_a_test_function_sees_the_trajectory(done: Finished) -> None:
    assert done.verdicts[("rosy::test_is_published", "current")] == ("pass", 9, 9), done.output


def test_results_json_holds_the_steps_of_a_tail(done: Finished) -> None:
    (cell,) = [cell for cell in done.results["cases"][0]["cells"] if cell["variant"] == "careful"]
    path = cell["trials"][0]["trajectory"]
    assert [(step["number"], step["kind"], step["name"]) for step in path] == [
        (5, "model", "summarizer"),
        (6, "other", "publish"),
    ]
    assert path[1]["arguments"] == {"text": "Revenue fell by 12%."}


@pytest.mark.slow
def test_a_call_that_is_neither_recorded_nor_granted_is_an_error_that_says_what_to_do(
    project: Project, tail: Project, server: ModelServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tight = tail.with_files({"pyproject.toml": project.files["pyproject.toml"]}).without("tests/")
    folder = tmp_path_factory.mktemp("tight")
    done = tight.run(folder, "--agent-evals")
    assert done.verdicts[("rosy", "current")][0] == "error", done.output
    assert 'publish({"text":"Revenue increased by 12%."}) was not recorded' in " ".join(done.output.split())
    assert "[tool.refork.tools]" in done.output
    assert not (folder / "published.txt").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('publsh = "live"', "has a rule for 'publsh', and neither a recorded run nor the application has"),
        ('report = "live"', "has 'live' for 'report', which is a workflow"),
    ],
)
def test_a_rule_that_cannot_hold_is_refused_before_anything_is_paid(
    tail: Project, model: ModelServer, tmp_path: Path, rule: str, said: str
) -> None:
    model.requests.clear()
    granted = f"{tail.files['pyproject.toml']}\n{rule}\n"
    done = tail.with_files({"pyproject.toml": granted}).without("tests/").run(tmp_path, "--agent-evals")
    assert done.code == 1
    assert said in " ".join(done.output.split())
    assert {verdict for verdict, *_ in done.verdicts.values()} == {"error"}
    assert model.count == 0
