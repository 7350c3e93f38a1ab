"""Agent evals beside the plugins that projects have: nothing is paid for twice, lost, or decided differently."""

import re
from pathlib import Path

import pytest
from support.model_server import ModelServer
from support.project import Finished, Project, case_yaml

MARKED = """
    import random
    import time

    import pytest

    @pytest.mark.refork("rosy", variants=["careful"], trials=2)
    def test_of_rosy(trial):
        assert "fell" in trial.text

    runs = []

    def test_flaky():
        runs.append(1)
        assert len(runs) > 1

    @pytest.mark.parametrize("number", range(4))
    def test_ordinary(number):
        assert random.random() < 1
    """


@pytest.fixture(scope="module")
def mixed(project: Project) -> Project:
    """A case with a candidate, a test in Python of the same case, a flaky test and others."""
    return project.with_files(
        {
            "evals/cases/rosy/case.yaml": case_yaml(rest="trials: 9\nvariants: [careful]"),
            "tests/test_rosy.py": MARKED,
        }
    )


def test_reruns_are_for_other_tests(mixed: Project, server: ModelServer, tmp_path: Path) -> None:
    done = mixed.run(tmp_path, "--agent-evals", "--reruns", "2", "-rR")
    assert server.count == 9 + 9 + 2 + 2
    reruns = done.lines("RERUN ")
    assert len(reruns) == 1
    assert "test_flaky" in reruns[0]
    assert done.verdicts["rosy", "current"] == ("fail", 0, 9)


@pytest.fixture(scope="module")
def ordered(mixed: Project, model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    model.latency = 0.0
    return mixed.run(tmp_path_factory.mktemp("ordered"), "--agent-evals", "-v", "--deselect", FLAKY)


FLAKY = "tests/test_rosy.py::test_flaky"


@pytest.mark.parametrize("more", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_the_order_of_the_items_decides_nothing(
    more: tuple[str, ...], mixed: Project, ordered: Finished, server: ModelServer, tmp_path: Path
) -> None:
    shuffle = ("-p", "randomly", "--randomly-seed=3")
    done = mixed.run(tmp_path, "--agent-evals", "-v", *shuffle, *more, "--deselect", FLAKY)
    assert done.lines("Using --randomly-seed=3")
    assert done.verdicts == ordered.verdicts
    assert done.counts == {**ordered.counts}
    if not more:
        assert items(done) != items(ordered)
        assert sorted(items(done)) == sorted(items(ordered))


def items(done: Finished) -> list[str]:
    """The items in the order in which they ran."""
    return re.findall(r"^(\S+::\S+) [A-Z]+ ", done.output, re.MULTILINE)


@pytest.mark.parametrize("method", ["signal", "thread"])
def test_an_item_that_waits_too_long_fails_in_a_sentence_and_the_session_goes_on(
    method: str, mixed: Project, server: ModelServer, tmp_path: Path
) -> None:
    server.latency = 3.0
    limits = ("--timeout", "1", "--timeout-method", method)
    done = mixed.run(tmp_path, "--agent-evals", "--deselect", FLAKY, *limits, "--agent-evals-trials", "2")
    assert done.lines("timeout: no decision within 1 s, the limit of pytest-timeout")
    assert "Stack of" not in done.output
    assert done.counts["passed"] == 4
    assert done.code == pytest.ExitCode.TESTS_FAILED
    assert done.verdicts["rosy", "current"] == ("inconclusive", 0, 2)
    assert done.lines("report: reports/agent-evals/report.html")


def test_a_page_of_pytest_html_shows_our_words_and_escapes_the_models(
    mixed: Project, server: ModelServer, tmp_path: Path
) -> None:
    project = mixed.with_files({"evals/prompts/summarizer/careful.md": "Be careful, <b>bold</b>."})
    done = project.run(tmp_path, "--agent-evals", "--html=report.html", "--self-contained-html")
    page = (tmp_path / "report.html").read_text()
    assert "0 of 9 trials passed" in page
    assert "&lt;b&gt;bold" in page
    assert "<b>bold" not in page


@pytest.mark.parametrize("more", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_coverage_sees_what_forks_run_of_the_application(
    more: tuple[str, ...], mixed: Project, server: ModelServer, tmp_path: Path
) -> None:
    done = mixed.run(tmp_path, "--agent-evals", "--cov=newsdesk", "--cov-report=term-missing", *more)
    assert done.verdicts["rosy", "careful"] == ("pass", 9, 9)
    (line,) = done.lines("newsdesk.py  ")
    assert int(line.split()[3].removesuffix("%")) > 50
