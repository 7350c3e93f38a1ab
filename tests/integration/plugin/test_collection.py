"""What ``--agent-evals --co`` collects, and what it says of files and marks that will not do. No fork is made."""

from pathlib import Path

import pytest
from support.project import Project, case_yaml

WITHOUT = ("-p", "no:hypothesispytest", "-p", "no:asyncio", "-p", "no:cacheprovider", "-p", "no:randomly")
"""Plugins that take longer to import than the test itself takes."""


@pytest.fixture
def example(project: Project, pytester: pytest.Pytester) -> Project:
    """A project whose application cannot be imported: nobody may try."""
    return project.with_files({"newsdesk.py": "raise SystemExit('imported')"})


def collect(pytester: pytest.Pytester, project: Project, *arguments: str) -> pytest.RunResult:
    project.write(pytester.path)
    return pytester.runpytest_inprocess("--agent-evals", "--co", "-q", *WITHOUT, *arguments)


def items(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "::" in line and " " not in line]


def said(result: pytest.RunResult) -> list[str]:
    """What is said under the headline of a collection error."""
    lines = result.outlines
    start = next(index for index, line in enumerate(lines) if "ERROR collecting" in line)
    end = next(index for index, line in enumerate(lines) if "short test summary" in line)
    return [line for line in lines[start + 1 : end] if line]


def marked(mark: str, signature: str = "trial") -> dict[str, str]:
    return {"test_it.py": f"import pytest\n\n@pytest.mark.refork({mark})\ndef test_it({signature}): ...\n"}


def test_a_case_has_an_item_for_current_and_one_for_each_candidate(
    example: Project, pytester: pytest.Pytester
) -> None:
    found = items(collect(pytester, example))
    assert found == [f"evals/cases/rosy/case.yaml::{name}" for name in ("current", "careful", "terse")]


def test_the_case_limits_its_candidates(example: Project, pytester: pytest.Pytester) -> None:
    project = example.with_files({"evals/cases/rosy/case.yaml": case_yaml(rest="variants: [terse]")})
    assert [item.rpartition("::")[2] for item in items(collect(pytester, project))] == ["current", "terse"]


def test_the_option_limits_the_candidates_and_current_always_runs(
    example: Project, pytester: pytest.Pytester
) -> None:
    found = items(collect(pytester, example, "--agent-evals-variants", "careful"))
    assert [item.rpartition("::")[2] for item in found] == ["current", "careful"]


def test_keywords_and_marks_select_items(example: Project, pytester: pytest.Pytester) -> None:
    project = example.with_files({"test_other.py": "def test_other(): pass\n"})
    assert items(collect(pytester, project, "-k", "careful")) == ["evals/cases/rosy/case.yaml::careful"]
    assert items(collect(pytester, project, "-m", "not refork")) == ["test_other.py::test_other"]


def test_cases_are_collected_although_testpaths_names_other_folders(
    example: Project, pytester: pytest.Pytester
) -> None:
    settings = example.files["pyproject.toml"] + '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n'
    project = example.with_files(
        {"pyproject.toml": settings, "tests/test_other.py": "def test_other(): pass"}
    )
    assert len(items(collect(pytester, project))) == 4
    assert len(items(collect(pytester, project, "tests"))) == 1


def test_a_line_says_how_to_make_a_case_if_there_is_none(example: Project, pytester: pytest.Pytester) -> None:
    example.without("evals/cases").with_files({"test_ordinary.py": "def test_ordinary(): pass"}).write(
        pytester.path
    )
    done = pytester.runpytest("--agent-evals")
    line = "agent evals: there is no case in 'evals/cases'; `refork capture RUN` makes one"
    assert done.outlines.count(line) == 1
    assert line not in pytester.runpytest().outlines


def test_a_case_file_of_another_program_is_not_touched(example: Project, pytester: pytest.Pytester) -> None:
    project = example.with_files({"data/case.yaml": "- not: {ours"})
    assert len(items(collect(pytester, project))) == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (case_yaml("[]"), "the case has no expectations: nothing could fail; add a scorer"),
        (case_yaml("[contain: '12%']"), "unknown scorer 'contain'"),
        (case_yaml(rest="trails: 3"), "unknown key 'trails'"),
        (case_yaml(rest="variants: [carefull]"), "did you mean 'careful'?"),
        (case_yaml().replace("version: 1", "version: 99"), "99"),
        (case_yaml().replace("step: 5", "step: 77"), "'fork.step' is 77"),
        ("{", "case.yaml"),
    ],
    ids=["no expectations", "scorer", "key", "variant", "newer", "step", "not YAML"],
)
def test_a_bad_case_is_an_error_of_one_line_that_names_the_file(
    example: Project, pytester: pytest.Pytester, text: str, expected: str
) -> None:
    result = collect(pytester, example.with_files({"evals/cases/rosy/case.yaml": text}))
    (line,) = said(result)
    assert expected in line
    assert "case.yaml" in line
    assert result.ret == pytest.ExitCode.INTERRUPTED


def test_a_bad_template_is_an_error_that_names_its_line(example: Project, pytester: pytest.Pytester) -> None:
    project = example.with_files({"evals/prompts/summarizer/terse.md": "fine\n{{ baselin }}\n"})
    (line,) = said(collect(pytester, project))
    assert "terse.md', line 2: 'baselin' is undefined; did you mean 'baseline'?" in line


def test_a_stub_that_nobody_registered_ends_the_session_and_names_the_near_ones(
    example: Project, pytester: pytest.Pytester
) -> None:
    grants = '\n[tool.refork.tools]\ncharge = {stub = "fake_chrge"}\n'
    project = example.with_files({"pyproject.toml": example.files["pyproject.toml"] + grants})
    conftest = "from refork.tool_policy.stubs import stub\n\nstub('fake_charge')(lambda: 1)\n"
    result = collect(pytester, project.with_files({"evals/conftest.py": conftest}))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "asks for the stub 'fake_chrge' for 'charge'" in result.stderr.str()
    assert "did you mean 'fake_charge'?" in result.stderr.str()
    conftest = conftest.replace("fake_charge", "fake_chrge")
    registered = project.with_files({"evals/conftest.py": conftest})
    assert len(items(collect(pytester, registered))) == 3


def test_two_cases_of_one_name_are_an_error(example: Project, pytester: pytest.Pytester) -> None:
    other = {
        f"evals/cases/more/rosy/{name}": example.files[f"evals/cases/rosy/{name}"]
        for name in ("case.yaml", "run.json")
    }
    (line,) = said(collect(pytester, example.with_files(other)))
    assert "is named 'rosy' too; rename one of the folders" in line


def test_a_marked_test_has_an_item_for_each_variant(example: Project, pytester: pytest.Pytester) -> None:
    project = example.without("evals/cases/rosy/case.yaml").with_files(
        {"evals/cases/rosy/case.yaml": case_yaml(), **marked("'rosy', variants=['careful']")}
    )
    found = items(collect(pytester, project, "test_it.py"))
    assert found == ["test_it.py::test_it[current]", "test_it.py::test_it[careful]"]


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        ("'rossy'", "is named 'rossy'; did you mean 'rosy'?"),
        ("", "missing a required argument: 'case'; write @pytest.mark.refork('<case>'"),
        ("3", "'case' must be the name of a folder of evals/cases, and is 3"),
        ("'rosy', variant=['careful']", "takes no argument 'variant'; did you mean 'variants'?"),
        ("'rosy', variants='careful'", "'variants' must be a list of names, and is 'careful'"),
        ("'rosy', variants=['carefull']", "is named 'carefull'; did you mean 'careful'?"),
        ("'rosy', trials=0", "'trials' must be 'auto' or a whole number from 1 on, and is 0"),
        ("'rosy', trials=True", "'trials' must be 'auto' or a whole number from 1 on, and is True"),
        ("'rosy', min_pass_rate=80", "'min_pass_rate' must be a number above 0 and at most 1, and is 80"),
    ],
)
def test_a_bad_mark_is_an_error_of_one_line(
    example: Project, pytester: pytest.Pytester, mark: str, expected: str
) -> None:
    (line,) = said(collect(pytester, example.with_files(marked(mark)), "test_it.py"))
    assert expected in line
    assert "test_it.py::test_it: " in line


def test_a_marked_test_must_take_the_fixture(example: Project, pytester: pytest.Pytester) -> None:
    (line,) = said(collect(pytester, example.with_files(marked("'rosy'", signature="")), "test_it.py"))
    assert "the test must take the fixture 'trial': def test_it(trial)" in line


def test_the_fixture_without_the_mark_says_what_is_missing(
    example: Project, pytester: pytest.Pytester
) -> None:
    example.with_files({"test_it.py": "def test_it(trial): ..."}).write(pytester.path)
    result = pytester.runpytest_inprocess("--agent-evals", *WITHOUT, "test_it.py")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["fixture 'trial' is for tests marked @pytest.mark.refork('<case>')"])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--agent-evals-trials", "many"], "option '--agent-evals-trials' "),
        (["--agent-evals-trials", "0"], "option '--agent-evals-trials' "),
        (["--agent-evals-concurrency", "-1"], "option '--agent-evals-concurrency' "),
        (["--agent-evals-variants", "carefull"], "'carefull'; did you mean 'careful'?"),
        (["--agent-evals-variants", ","], "option --agent-evals-variants is empty"),
        (["--agent-evals-variants", "recorded"], "cannot name 'recorded'"),
    ],
)
def test_a_bad_option_is_an_error_of_usage_in_one_line(
    example: Project, pytester: pytest.Pytester, arguments: list[str], expected: str
) -> None:
    result = collect(pytester, example, *arguments)
    (line,) = [line for line in result.errlines if line]
    assert line.startswith("ERROR: ")
    assert expected in line
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_a_bad_variable_or_key_is_an_error_of_usage_too(
    example: Project, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFORK_TRIALS", "many")
    assert "'REFORK_TRIALS'" in "\n".join(collect(pytester, example).errlines)
    monkeypatch.delenv("REFORK_TRIALS")
    project = example.with_files({"pyproject.toml": "[tool.refork]\ntrails = 3\n"})
    assert "did you mean 'trials'?" in "\n".join(collect(pytester, project).errlines)


def test_too_few_trials_are_said_with_the_number_needed(
    example: Project, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hints(*arguments: str) -> list[str]:
        result = collect(pytester, example, "-v", *arguments)
        return [line for line in result.outlines if line.startswith("agent evals: ")]

    assert hints() == []
    (hint,) = hints("--agent-evals-trials", "3")
    assert hint.startswith(
        "agent evals: 'rosy' has 3 trials and can never pass at min_pass_rate 0.7: 9 are needed"
    )
    monkeypatch.setenv("REFORK_TRIALS", "4")
    assert "'rosy' has 4 trials" in hints()[0]
    assert "'rosy' has 5 trials" in hints("--agent-evals-trials", "5")[0]


def test_a_scorer_of_one_session_is_unknown_to_the_next(
    example: Project, pytester: pytest.Pytester, tmp_path: Path
) -> None:
    registered = "from refork_evals import scorer\n\n@scorer('mine')\ndef mine(sample):\n    return True\n"
    project = example.with_files({"evals/cases/rosy/case.yaml": case_yaml("[mine: {}]")})
    assert len(items(collect(pytester, project.with_files({"conftest.py": registered})))) == 3
    (pytester.path / "conftest.py").unlink()
    (line,) = said(collect(pytester, project))
    assert "unknown scorer 'mine'" in line


def test_the_options_are_in_a_group_of_their_own(pytester: pytest.Pytester) -> None:
    help_text = pytester.runpytest_inprocess("--help").stdout.str()
    _, _, group = help_text.partition("agent evals (Refork):")
    for name in ("", "-variants=NAMES", "-trials=N", "-concurrency=N", "-db=URL", "-report=FOLDER"):
        assert f"--agent-evals{name}" in group


UPDATE = "--agent-evals-update-baseline"


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [
        ((UPDATE, "-k", "rosy"), "give --agent-evals-merge-baseline"),
        ((UPDATE, "evals/cases/rosy"), "give --agent-evals-merge-baseline"),
        ((UPDATE, "--agent-evals-gate"), "exclude each other"),
        (("--agent-evals-baseline", "git:main"), "give both"),
        (("--agent-evals-gate",), "there is no baseline"),
        (("--agent-evals-answers=cached",), "must be 'reuse', 'offline', 'live' or 'refresh'"),
        (("--agent-evals-inconclusive=maybe",), "must be 'fail', 'pass' or 'warn'"),
        (("--agent-evals-trials=some",), "must be 'auto' or a whole number"),
        (("--agent-evals-max-cost=0",), "must be greater than 0"),
    ],
)
def test_impossible_options_are_refused_before_anything_is_paid_for(
    arguments: tuple[str, ...], refused: str, example: Project, pytester: pytest.Pytester
) -> None:
    run = example.files["evals/cases/rosy/run.json"]
    other = {"evals/cases/other/case.yaml": case_yaml(), "evals/cases/other/run.json": run}
    result = collect(pytester, example.with_files(other), *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert refused in result.stdout.str() + result.stderr.str()
