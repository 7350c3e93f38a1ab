"""As many trials as it takes: the clear cases few, the doubtful ones more, none beyond the bounds."""

from pathlib import Path

import pytest
from support.model_server import ModelServer
from support.project import Finished, Project, case_yaml

TESTS = """
    import pytest

    @pytest.mark.refork("rosy", variants=["careful"], trials="auto")
    def test_says_fell(trial):
        assert "fell" in trial.text
"""


@pytest.fixture(scope="module")
def done(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    settings = project.files["pyproject.toml"].replace("trials = 10\n", "max_trials = 20\n")
    undecided = case_yaml("[contains: fell]", rest="min_pass_rate: 0.5\nvariants: [coin]")
    auto = project.with_files(
        {
            "pyproject.toml": settings,
            "evals/cases/rosy/case.yaml": case_yaml(rest="variants: [careful]"),
            "evals/cases/toss/case.yaml": undecided,
            "evals/cases/toss/run.json": project.files["evals/cases/rosy/run.json"],
            "evals/prompts/summarizer/coin.md": "Toss a coin.\n",
            "tests/test_own.py": TESTS,
        }
    )
    return auto.run(tmp_path_factory.mktemp("auto"), "--agent-evals")


def test_a_clear_case_is_decided_after_few_trials(done: Finished) -> None:
    verdict, passes, trials = done.verdicts["rosy", "current"]
    assert (verdict, passes, trials) == ("fail", 0, 10)
    verdict, passes, trials = done.verdicts["rosy", "careful"]
    assert verdict == "pass"
    assert passes == trials == 10


def test_what_is_doubtful_takes_no_more_trials_than_it_takes_to_tell_it_from_current(done: Finished) -> None:
    verdict, _, trials = done.verdicts["toss", "coin"]
    assert verdict == "inconclusive"
    assert trials == 10
    assert "neither above 0.5 nor below it" in " ".join(done.output.split())


def test_a_python_test_is_called_until_it_is_decided(done: Finished) -> None:
    verdict, passes, trials = done.verdicts["rosy::test_says_fell", "current"]
    assert (verdict, passes, trials) == ("fail", 0, 10)
    verdict, passes, trials = done.verdicts["rosy::test_says_fell", "careful"]
    assert verdict == "pass"
    assert passes == trials == 10


def test_an_option_outranks_what_cases_say(project: Project, server: ModelServer, tmp_path: Path) -> None:
    done = project.run(
        tmp_path, "--agent-evals", "--agent-evals-trials", "auto", "--agent-evals-variants", "current"
    )
    assert done.verdicts["rosy", "current"][2] <= 8
    assert server.count <= 8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "count"),
    [
        ((), 0, {"passed": 1}),
        (("--agent-evals-inconclusive=fail",), 1, {"failed": 1}),
    ],
)
def test_an_undecided_case_counts_as_the_project_says(
    arguments: tuple[str, ...], code: int, count: dict[str, int], project: Project, tmp_path: Path
) -> None:
    doubtful = project.with_files(
        {
            "newsdesk.py": project.files["newsdesk.py"].replace("Be positive.", "Toss a coin."),
            "evals/cases/rosy/case.yaml": case_yaml(rest="trials: 6\nmin_pass_rate: 0.5\nvariants: []"),
        }
    )
    done = doubtful.run(tmp_path, "--agent-evals", *arguments)
    assert done.code == code
    assert done.counts == count
