"""Where no fork can be made: the items of agent evals fail in one line, every other test runs."""

from pathlib import Path

import pytest
from support.model_server import ModelServer
from support.project import Project, case_yaml

ORDINARY = {"test_ordinary.py": "def test_ordinary(): pass\n"}


def test_an_application_that_does_not_import_is_reported_once_and_other_tests_run(
    project: Project, server: ModelServer, tmp_path: Path
) -> None:
    marked = "import pytest\n\n@pytest.mark.refork('rosy')\ndef test_it(trial): pass\n"
    broken = project.with_files({"newsdesk.py": "import no_such_module\n", "test_it.py": marked, **ORDINARY})
    done = broken.run(tmp_path, "--agent-evals", "-v")
    assert done.counts == {"failed": 2, "passed": 1, "xfailed": 4}
    blamed = "error: [tool.refork] app = 'newsdesk' does not import: ModuleNotFoundError"
    assert [line for line in done.lines(blamed) if line.startswith("error")] != []
    assert done.lines("error: no session could be opened, see 'rosy'")
    assert "Traceback" not in done.output
    assert server.count == 0


def test_the_error_of_a_project_without_an_application_says_where_to_name_it(
    project: Project, server: ModelServer, tmp_path: Path
) -> None:
    done = project.with_files({"pyproject.toml": "[tool.refork]\n"}).run(tmp_path, "--agent-evals")
    assert done.code == pytest.ExitCode.TESTS_FAILED
    assert "set app under [tool.refork] in" in " ".join(done.output.split())
    assert "Traceback" not in done.output


def test_a_dbos_that_a_test_launched_before_is_reported_and_left_alone(
    project: Project, server: ModelServer, tmp_path: Path
) -> None:
    launched = """
        from dbos import DBOS
        from refork.production.sqlite_clock import install_sqlite_clock

        install_sqlite_clock()
        DBOS(config={"name": "mine", "system_database_url": "sqlite:///mine.sqlite"})
        DBOS.launch()
        """
    done = project.with_files({"conftest.py": launched, **ORDINARY}).run(
        tmp_path, "--agent-evals", "-W", "default", "--agent-evals-variants=careful"
    )
    assert done.counts["failed"] == 1
    assert done.counts["passed"] == 1
    assert done.lines("error: DBOS is already launched in this process")


@pytest.mark.slow
def test_after_the_last_item_a_test_can_launch_a_dbos_of_its_own(
    project: Project, server: ModelServer, tmp_path: Path
) -> None:
    own = """
        import pytest
        from dbos import DBOS
        from refork.production.sqlite_clock import install_sqlite_clock

        @pytest.fixture
        def mine():
            install_sqlite_clock()
            DBOS(config={"name": "mine", "system_database_url": "sqlite:///mine.sqlite"})
            DBOS.launch()
            yield
            DBOS.destroy()

        def test_own(mine):
            assert DBOS.list_workflows() == []
        """
    green = {"evals/cases/rosy/case.yaml": case_yaml("[contains: Revenue]"), "taken": "", "test_own.py": own}
    done = project.with_files(green).run(
        tmp_path, "--agent-evals", "-W", "default", "--agent-evals-report=taken/here"
    )
    assert done.counts["passed"] == 4
    # The report has no place to go: a run that was green is not, without it.
    assert done.lines("no report in ")
    assert done.code == pytest.ExitCode.TESTS_FAILED
