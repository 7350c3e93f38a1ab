"""Agent evals beside the plugins that projects have: nothing is paid for twice, lost, or decided differently."""

import json
import re
from html import unescape
from pathlib import Path

import pytest
from support.model_server import ModelServer
from support.project import Project, case_yaml

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


FLAKY = "tests/test_rosy.py::test_flaky"


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


def test_the_order_of_the_items_decides_nothing(mixed: Project, server: ModelServer, tmp_path: Path) -> None:
    shuffle = ("-p", "randomly", "--randomly-seed=3", "--deselect", FLAKY)
    done = mixed.run(tmp_path, "--agent-evals", "-v", *shuffle)
    assert done.lines("Using --randomly-seed=3")
    ran = re.findall(r"^(\S+::\S+) [A-Z]+ ", done.output, re.MULTILINE)
    assert len(ran) == 8
    assert [name for name in ran if "ordinary" in name] != sorted(name for name in ran if "ordinary" in name)
    assert done.verdicts == {
        ("rosy", "current"): ("fail", 0, 9),
        ("rosy", "careful"): ("pass", 9, 9),
        ("rosy::test_of_rosy", "current"): ("inconclusive", 0, 2),
        ("rosy::test_of_rosy", "careful"): ("inconclusive", 2, 2),
    }


@pytest.mark.parametrize(("method", "place"), [("signal", "evals/cases"), ("thread", "tests")])
def test_an_item_that_waits_too_long_fails_with_a_sentence_and_the_session_continues(
    method: str, place: str, mixed: Project, server: ModelServer, tmp_path: Path
) -> None:
    server.latency = 3.0
    limits = ("--timeout", "1", "--timeout-method", method)
    project = mixed.with_files({"tests/test_others.py": "def test_another(): pass"})
    places = (place, "tests/test_others.py")
    done = project.run(tmp_path, "--agent-evals", *places, "-k", "not flaky", *limits)
    assert done.lines("timeout: no decision within 1 s, the limit of pytest-timeout")
    assert "Stack of" not in done.output
    assert done.lines("tests/test_others.py .")
    assert done.code == pytest.ExitCode.TESTS_FAILED
    (cell,) = (cell for (_, variant), cell in done.verdicts.items() if variant == "current")
    assert cell[0] != "pass"
    assert done.lines("report: reports/agent-evals/report.html")


def test_a_page_of_pytest_html_shows_our_words_and_escapes_the_models(
    mixed: Project, server: ModelServer, tmp_path: Path
) -> None:
    project = mixed.with_files({"evals/prompts/summarizer/careful.md": "Be careful, <b>bold</b>."})
    project.run(tmp_path, "--agent-evals", "--html=report.html", "--self-contained-html")
    page = (tmp_path / "report.html").read_text()
    assert "<b>bold" not in page
    (data,) = re.findall(r'data-jsonblob="([^"]*)"', page)
    (shown,) = json.loads(unescape(data))["tests"]["evals/cases/rosy/case.yaml::current"]
    assert shown["log"].startswith("fail: 0 of 9 trials passed")
    assert "+Be careful, &lt;b&gt;bold&lt;/b&gt;." in shown["log"]
    assert "0 of 2 trials passed" in data  # said of an item that passed, for want of a decision


def test_coverage_sees_what_forks_run_of_the_application_on_every_worker(
    mixed: Project, server: ModelServer, tmp_path: Path
) -> None:
    done = mixed.run(tmp_path, "--agent-evals", "--cov=newsdesk", "--cov-report=term-missing", "-n", "2")
    assert done.verdicts["rosy", "careful"] == ("pass", 9, 9)
    (line,) = done.lines("newsdesk.py  ")
    missing = lines_of(line.partition("%")[2])
    source = mixed.files["newsdesk.py"].splitlines()
    assert missing.isdisjoint(numbers(source, "newsdesk has its numbers", "str(found.final_output)"))
    assert missing > numbers(source, "publish(str(", "return str(written")


def lines_of(ranges: str) -> set[int]:
    """``12, 20-22`` as coverage writes it."""
    ends = [part.strip().split("-") for part in ranges.split(",")]
    return {number for end in ends for number in range(int(end[0]), int(end[-1]) + 1)}


def numbers(source: list[str], *texts: str) -> set[int]:
    """The lines that hold one of these."""
    return {number for number, line in enumerate(source, 1) if any(text in line for text in texts)}
