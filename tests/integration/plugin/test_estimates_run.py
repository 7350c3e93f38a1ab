"""``--agent-evals-dry-run`` says what a session would take, and runs nothing."""

from pathlib import Path

import pytest
from support.model_server import ModelServer
from support.project import Project, case_yaml

WITHOUT = ("-p", "no:hypothesispytest", "-p", "no:asyncio", "-p", "no:cacheprovider", "-p", "no:randomly")
TESTS = """
    import pytest

    @pytest.mark.refork("rosy", variants=[], trials=4)
    def test_it(trial):
        raise SystemExit("called")

    def test_ordinary():
        raise SystemExit("called")
    """


@pytest.fixture
def unimportable(project: Project, run_json: str) -> Project:
    """Two cases of an application that cannot be imported: nobody may try."""
    return project.with_files(
        {
            "newsdesk.py": "raise SystemExit('imported')",
            "test_it.py": TESTS,
            "evals/cases/tail/case.yaml": case_yaml(rest="scope: tail\nvariants: []\ntrials: auto"),
            "evals/cases/tail/run.json": run_json,
        }
    )


def dry_run(pytester: pytest.Pytester, project: Project, *arguments: str) -> tuple[int, list[str]]:
    project.write(pytester.path)
    done = pytester.runpytest_inprocess("--agent-evals-dry-run", *WITHOUT, *arguments)
    lines = [line for line in done.outlines if line.startswith("agent evals, estimated: ")]
    return int(done.ret), [line.removeprefix("agent evals, estimated: ") for line in lines]


@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_dry_run_says_what_each_case_takes_and_runs_nothing(
    unimportable: Project, pytester: pytest.Pytester, server: ModelServer, arguments: tuple[str, ...]
) -> None:
    code, lines = dry_run(pytester, unimportable, *arguments)
    assert code == pytest.ExitCode.OK
    assert [line.partition(": ")[0] for line in lines[:-1]] == [
        "rosy (current, careful, terse; 30 trials)",
        "tail (current; 5 to 60 trials)",
        "rosy::test_it (current; 4 trials)",
    ]
    assert lines[-1].startswith("in total: 39 to 94 calls, ")
    assert not server.count
    assert not Path(pytester.path, "reports").exists()


def test_a_dry_run_is_of_what_is_selected_and_offline_calls_no_model(
    unimportable: Project, pytester: pytest.Pytester
) -> None:
    code, lines = dry_run(
        pytester, unimportable, "-k", "rosy and careful", "--agent-evals-answers", "offline"
    )
    assert code == pytest.ExitCode.OK
    assert lines == [
        "rosy (careful; 10 trials): no model is called, since answers are offline",
        "in total: no model is called, since answers are offline",
    ]


def test_a_dry_run_does_not_hide_a_case_that_cannot_be_read(
    unimportable: Project, pytester: pytest.Pytester
) -> None:
    broken = unimportable.with_files({"evals/cases/rosy/case.yaml": "version: 1\n"})
    code, _ = dry_run(pytester, broken)
    assert code == pytest.ExitCode.INTERRUPTED
