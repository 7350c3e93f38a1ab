"""One run of a project that has a case of every kind, looked at from every side."""

import json
import re
import shlex
from pathlib import Path
from xml.etree import ElementTree

import pytest
import refork
from support.model_server import ModelServer
from support.project import Finished, Project, case_yaml
from support.report_data import page_data

TESTS = """
    import os

    import pytest

    modules = []

    @pytest.fixture(scope="module")
    def once():
        modules.append("set up")
        return modules

    @pytest.fixture
    def fresh(tmp_path, monkeypatch):
        assert "ONE_TRIAL" not in os.environ
        monkeypatch.setenv("ONE_TRIAL", "1")
        assert not list(tmp_path.iterdir())
        (tmp_path / "touched").write_text("")
        with open("fixtures.txt", "a") as file:
            file.write("up ")
            yield
            file.write("down ")

    @pytest.mark.refork("rosy", variants=["careful"], trials=9)
    def test_says_fell(trial, fresh, once):
        print("looking at", trial.number)
        assert once == ["set up"]
        assert trial.request.agent == "summarizer" and trial.usage.calls == 1 and not trial.tool_calls
        assert "fell" in trial.text

    @pytest.mark.refork("rosy", variants=[], trials=1, min_pass_rate=0.5)
    @pytest.mark.parametrize("word", ["12%", "13%"])
    def test_number(word, trial):
        assert word in trial.text

    @pytest.mark.refork("rosy", variants=[], trials=2)
    def test_skips_every_trial(trial):
        pytest.skip("not today")

    @pytest.mark.refork("rosy", variants=[], trials=2)
    def test_with_a_broken_fixture(trial, broken):
        pass

    @pytest.fixture
    def broken():
        raise RuntimeError("no such thing")

    @pytest.mark.skip(reason="not paid for")
    @pytest.mark.refork("rosy", trials=50)
    def test_skipped(trial):
        pass

    @pytest.mark.xfail(reason="known")
    @pytest.mark.refork("rosy", variants=[], trials=9)
    def test_expected_to_fail(trial):
        assert "fell" in trial.text

    def test_ordinary(trial_count=3):
        assert trial_count == 3
    """

CALLS = (5 * 10 + 10 + 2) + (2 * 9 + 2 * 1 + 2 + 2 + 9)
"""One for each trial of the files and of the tests."""
GIVEN_UP = 7
"""At most, of the ten trials of a prompt that is refused every time."""


def _renamed(run_json: str, step: int, name: str) -> str:
    """The run as code recorded it that had another step there."""
    content = json.loads(run_json)
    next(each for each in content["run"]["steps"] if each["number"] == step)["name"] = name
    return json.dumps(content)


@pytest.fixture(scope="module")
def full(project: Project) -> Project:
    run = project.files["evals/cases/rosy/run.json"]
    return project.with_files(
        {
            "conftest.py": """
                from refork_evals import scorer

                @scorer("ends_with_a_full_stop")
                def ends_with_a_full_stop(sample):
                    return sample.answer.text.endswith(".")
                """,
            "evals/prompts/summarizer/broken.md": "Break.",
            "evals/prompts/summarizer/coin.md": "Toss a coin.",
            "evals/cases/rosy/case.yaml": case_yaml(
                "[not_contains: increased, ends_with_a_full_stop: {}]",
                rest="variants: [careful, terse, broken, coin]",
            ),
            "evals/cases/tame/case.yaml": case_yaml("[contains: Revenue]", rest="variants: []"),
            "evals/cases/tame/run.json": run,
            "evals/cases/unsure/case.yaml": case_yaml(rest="trials: 2\nvariants: []"),
            "evals/cases/unsure/run.json": run,
            "evals/cases/vanished/case.yaml": case_yaml(rest="variants: []"),
            "evals/cases/vanished/run.json": _renamed(run, 5, "ask_the_oracle"),
            "tests/test_summaries.py": TESTS,
        }
    )


@pytest.fixture(scope="module")
def done(full: Project, model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    model.latency = 0.0
    model.requests.clear()
    folder = tmp_path_factory.mktemp("full")
    done = full.fresh().run(folder, "--agent-evals", "-v", "-rA", "--junitxml=junit.xml")
    (folder / "calls.txt").write_text(str(model.count))
    (folder / "out.txt").write_text(done.output)
    return done


def outcome(done: Finished, item: str) -> str:
    """What -v says of an item: PASSED, FAILED, XFAIL ..."""
    found = re.search(rf"^\S*{re.escape(item)} ([A-Z]+)", done.output, re.MULTILINE)
    assert found is not None, done.output
    return found[1]


def block(done: Finished, title: str) -> str:
    """What is said of a failed item under its headline."""
    _, _, rest = done.output.partition(f" {title} ___")
    return re.split(r"^_{5,}|^={5,}", rest.partition("\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def test_current_decides_and_candidates_do_not_fail_the_build(done: Finished) -> None:
    assert outcome(done, "rosy/case.yaml::current") == "FAILED"
    assert outcome(done, "rosy/case.yaml::careful") == "PASSED"
    assert outcome(done, "rosy/case.yaml::terse") == "XFAIL"
    assert outcome(done, "tame/case.yaml::current") == "PASSED"
    assert done.code == pytest.ExitCode.TESTS_FAILED


def test_a_candidate_that_cannot_be_measured_or_decided_is_an_expected_failure_that_says_why(
    done: Finished,
) -> None:
    assert outcome(done, "rosy/case.yaml::broken") == "XFAIL"
    assert done.lines("XFAIL evals/cases/rosy/case.yaml::broken - error: nothing was measured")
    assert "this prompt is refused" in done.output
    assert outcome(done, "rosy/case.yaml::coin") == "XFAIL"


def test_a_failed_item_shows_rate_reason_output_and_the_prompt_that_fixes_it(done: Finished) -> None:
    said = block(done, "rosy under current")
    assert said.startswith("fail: 0 of 10 trials passed (95% interval 0–28%), at least 70% wanted\n")
    assert "- not_contains: contains 'increased': 'Revenue increased by 12%.'" in said
    assert "| Revenue increased by 12%." in said
    assert "careful 10/10 (72–100%): passes where current does not" in said
    assert "  -Be positive.\n  +Be careful." in said
    assert "Traceback" not in said
    assert ".py" not in said


def test_the_page_is_made_again_from_results_json_without_the_project(done: Finished, tmp_path: Path) -> None:
    reports = done.folder / "reports" / "agent-evals"
    again = refork.load_evaluation(reports).save(tmp_path / "again.html")
    assert again.read_text(encoding="utf-8") == (reports / "report.html").read_text(encoding="utf-8")


def test_the_command_beside_a_cell_of_a_case_file_names_an_item(done: Finished) -> None:
    report = done.folder / "reports" / "agent-evals" / "report.html"
    data = page_data(report.read_text(encoding="utf-8"))
    commands = [shlex.split(data["strings"][cell["command"]]) for cell in data["cells"].values()]
    items = [command[-1] for command in commands if "::" in command[-1] and ".yaml" in command[-1]]
    assert len(items) >= 5
    assert all(re.search(rf"^{re.escape(item)} [A-Z]+", done.output, re.MULTILINE) for item in items)


def test_the_recorded_answer_is_scored_and_is_no_item(done: Finished) -> None:
    assert "case.yaml::recorded" not in done.output
    assert "tame is not red" in done.output
    assert "rosy is not red" not in done.output


def test_a_case_that_nothing_decides_passes_and_says_so(done: Finished) -> None:
    assert outcome(done, "unsure/case.yaml::current") == "PASSED"
    assert done.verdicts["unsure", "current"] == ("inconclusive", 0, 2)
    assert done.lines("? unsure: 0 of 2 passed: neither above")


def test_too_few_trials_are_said_at_collection_with_the_number_needed(done: Finished) -> None:
    before, _, _ = done.output.partition("case.yaml::current")
    assert re.search(
        r"agent evals: 'unsure' has 2 trials and can never pass or fail .*: 9 are needed", before
    )


def test_a_stale_case_fails_and_says_what_the_code_reached(done: Finished) -> None:
    assert outcome(done, "vanished/case.yaml::current") == "FAILED"
    said = block(done, "vanished under current")
    assert said.startswith("stale: the code no longer reaches the fork point")
    assert "ask_the_oracle" in said


def test_a_test_function_is_called_once_a_trial_with_fresh_fixtures(done: Finished) -> None:
    assert (done.folder / "fixtures.txt").read_text().split() == ["up", "down"] * 18
    assert done.verdicts["rosy::test_says_fell", "careful"] == ("pass", 9, 9)
    assert outcome(done, "test_says_fell[careful]") == "PASSED"


def test_a_failed_assert_is_shown_as_pytest_shows_it(done: Finished) -> None:
    said = block(done, "test_says_fell[current]")
    assert '>       assert "fell" in trial.text' in said
    assert "AssertionError: assert 'fell' in 'Revenue increased by 12%.'" in said
    assert "pytest_refork" not in said
    assert "looking at 1\n" in said
    assert "looking at 9\n" not in said


def test_other_parameters_make_subjects_of_their_own(done: Finished) -> None:
    assert outcome(done, "test_number[12%-current]") == "PASSED"
    assert outcome(done, "test_number[13%-current]") == "PASSED"
    assert done.verdicts["rosy::test_number[13%]", "current"] == ("inconclusive", 0, 1)


def test_trials_that_a_test_skips_are_not_measured(done: Finished) -> None:
    assert outcome(done, "test_skips_every_trial[current]") == "FAILED"
    assert "Skipped: not today" in block(done, "test_skips_every_trial[current]")


def test_a_broken_fixture_is_an_error_of_the_test(done: Finished) -> None:
    assert outcome(done, "test_with_a_broken_fixture[current]") == "ERROR"
    assert done.verdicts["rosy::test_with_a_broken_fixture", "current"][0] == "error"


def test_skip_and_xfail_marks_mean_what_they_always_mean(done: Finished) -> None:
    assert outcome(done, "test_skipped[current]") == "SKIPPED"
    assert ("rosy::test_skipped", "current") not in done.verdicts
    assert outcome(done, "test_expected_to_fail[current]") == "XFAIL"
    assert outcome(done, "test_ordinary") == "PASSED"


def test_the_model_is_called_once_a_trial_and_nothing_after_the_step_runs(done: Finished) -> None:
    of_files = 5 * 10 + 10 + 2
    of_tests = 2 * 9 + 2 * 1 + 2 + 2 + 9
    given_up = 7  # at most, of the ten trials of a prompt that is refused every time
    assert (
        of_files + of_tests - given_up <= int((done.folder / "calls.txt").read_text()) <= of_files + of_tests
    )
    assert not (done.folder / "published.txt").exists()


def test_the_summary_has_a_row_for_each_case_and_variant_then_its_cost_then_the_report(
    done: Finished,
) -> None:
    _, _, section = done.output.partition("= agent evals =")
    assert re.search(r"^rosy +recorded +fail$", section, re.MULTILINE)
    assert re.search(r"^ +careful +✓ pass \(fix\) +10/10 +72–100% +1\.1k +\$0\.\d+$", section, re.MULTILINE)
    assert re.search(r"^ +broken +! error +0/10", section, re.MULTILINE)
    assert re.search(r"^vanished .*\n +current +~ stale", section, re.MULTILINE)
    cost = section.index("whole reruns would have taken: ")
    assert section.index("report: reports/agent-evals/report.html") > cost > section.index("paid now: ")


def test_the_report_holds_what_was_found(done: Finished) -> None:
    assert (done.folder / "reports/agent-evals/report.html").stat().st_size > 10_000
    assert done.verdicts["rosy", "careful"] == ("pass", 10, 10)
    assert done.verdicts["vanished", "current"] == ("stale", 0, 0)


def test_junit_has_the_numbers_of_each_item(done: Finished) -> None:
    tree = ElementTree.parse(done.folder / "junit.xml")
    named = {(case.get("classname"), case.get("name")): case for case in tree.iter("testcase")}
    properties = {
        each.get("name"): each.get("value")
        for each in named["evals.cases.rosy.case.yaml", "careful"].iter("property")
    }
    assert properties["refork_pass_rate"] == "1.0"
    assert properties["refork_interval"] == "0.7225-1.0000"
    assert properties["refork_tokens"] == "1100"
    assert properties["refork_verdict"] == "pass"


def test_neither_dbos_nor_the_application_prints_on_the_screen(done: Finished) -> None:
    for noise in ("newsdesk was imported", "Initializing DBOS", "dbos:", "cancelled"):
        assert noise not in done.output


@pytest.fixture(scope="module")
def with_workers(full: Project, model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    model.requests.clear()
    folder = tmp_path_factory.mktemp("workers")
    return full.run(folder, "--agent-evals", "-n", "2", "-q")


@pytest.mark.slow
def test_with_xdist_the_controller_reports_what_the_workers_found(
    done: Finished, with_workers: Finished
) -> None:
    def decided(found: Finished) -> dict[tuple[str, str], tuple[str, int, int]]:
        return {key: cell for key, cell in found.verdicts.items() if "coin" not in key}

    assert decided(with_workers) == decided(done)
    assert with_workers.counts == done.counts
    assert with_workers.output.count("= agent evals =") == 1
    assert with_workers.code == done.code


@pytest.mark.slow
def test_with_xdist_no_trial_runs_twice(done: Finished, with_workers: Finished, model: ModelServer) -> None:
    assert CALLS - GIVEN_UP <= model.count <= CALLS
    assert not (with_workers.folder / "published.txt").exists()
