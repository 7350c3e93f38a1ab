"""refork compare: the last session's variants beside one another, from results.json alone."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from refork.cli import commands
from refork_reports.formats.html import write
from support.gated import gated


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose last session measured two cases under three variants."""
    (tmp_path / "pyproject.toml").write_text("[tool.refork]\n")
    write(gated(), tmp_path / "reports/agent-evals")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["compare", *arguments], prog_name="refork")


def test_every_variant_stands_beside_current_with_its_sentences() -> None:
    done = run()
    assert done.exit_code == 0
    first = done.output.splitlines()[0]
    assert first.startswith(
        "careful beside current: improved, +45 points (+26 to +56 points, p < 0.001) on 2 cases"
    )
    assert "  flipped: misleading-summary fail → pass" in done.output
    assert "of cases like these nothing is said: that takes 6 cases" in done.output


def test_any_two_variants_can_be_compared() -> None:
    done = run("terse", "--against", "careful")
    assert done.output.startswith("terse beside careful: worse on 1 guard, regressed")
    assert "current" not in done.output


def test_as_json_it_holds_what_results_json_does(folder: Path) -> None:
    found = json.loads(run("--json").output)
    results = json.loads((folder / "reports/agent-evals/results.json").read_text())
    assert [each["variant"] for each in found] == [each["variant"] for each in results["comparisons"]]
    assert found[0]["change"] == "improved"


def test_a_variant_that_was_not_measured_is_named_with_the_nearest() -> None:
    done = run("carefull")
    assert done.exit_code != 0
    assert "no variant of the last session is named 'carefull'; did you mean 'careful'?" in str(
        done.exception or done.output
    )


def test_without_a_session_it_says_what_to_run(folder: Path) -> None:
    (folder / "reports/agent-evals/results.json").unlink()
    done = run()
    assert done.exit_code != 0
    assert "results.json" in str(done.exception or done.output)
