"""pytest without ``--agent-evals``: nothing runs, nothing is imported, one line says what was left out."""

import pytest

CASE = {"evals/cases/rosy/case.yaml": "version: 1\n", "evals/cases/rosy/run.json": "{}"}
TESTS = """
    import sys
    import pytest

    @pytest.mark.refork("rosy")
    def test_marked(trial):
        raise AssertionError("it ran")

    def test_that_nothing_heavy_was_imported():
        heavy = {"refork", "refork_evals", "refork_reports", "dbos", "agents", "pandas", "jinja2", "sqlalchemy",
                 "pydantic", "yaml", "scipy", "rich"}
        assert not heavy & set(sys.modules)
    """


# They import some of these themselves.
OTHERS = ("hypothesispytest", "asyncio", "html", "randomly")


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    for name, text in CASE.items():
        path = pytester.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    pytester.makepyfile(TESTS)
    return pytester


def test_cases_and_marked_tests_are_counted_and_nothing_is_imported(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("-rs", *(f"-pno:{name}" for name in OTHERS))
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*an agent eval: run pytest --agent-evals"])
    result.stdout.fnmatch_lines(["2 agent-eval cases skipped: run pytest --agent-evals"])


@pytest.mark.slow
def test_the_workers_of_xdist_count_for_the_controller(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("-n", "2", "-k", "marked")
    result.stdout.fnmatch_lines(["2 agent-eval cases skipped: run pytest --agent-evals"])


def test_a_case_that_is_named_on_the_command_line_is_no_usage_error(project: pytest.Pytester) -> None:
    result = project.runpytest_inprocess("evals/cases/rosy/case.yaml")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(["1 agent-eval case skipped: run pytest --agent-evals"])


def test_a_project_without_cases_hears_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")
    (pytester.path / "case.yaml").write_text("of another program")
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*agent*eval*")


def test_the_line_is_left_out_where_pytest_is_to_be_quiet(project: pytest.Pytester) -> None:
    result = project.runpytest_inprocess("-q", "-q", "evals")
    result.stdout.no_fnmatch_line("*agent*eval*")
