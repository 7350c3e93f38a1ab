"""A scan of recorded runs: how many fail, when, why, and at which step."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import refork
from dbos._serialization import DBOSDefaultSerializer
from refork.errors import BadInputError
from refork.records import Run, StepKind
from support.many_runs import multiply

GOOD = "Revenue fell by 3%. The key is AKIAIOSFODNN7EXAMPLE."


@pytest.fixture(scope="module")
def url(shop_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """200 runs of ``report`` over seven days in two versions, half of which say that revenue rose."""
    file = Path(shutil.copy(shop_sqlite, tmp_path_factory.mktemp("many")))
    multiply(file, "report-1", 100, prefix="bad")
    multiply(file, "report-1", 100, prefix="good", output=DBOSDefaultSerializer.serialize(GOOD))
    return f"sqlite:///{file}"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.refork]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def scanned(url: str, expect: Any = (), **choice: Any) -> refork.Scan:
    given: dict[str, Any] = {"workflow": "report", **choice}
    return refork.scan(url, expect=expect, **given)


def returning(value: Any) -> Any:
    """A check that says the same of every run."""

    def check(_run: Run) -> Any:
        return value

    return check


def test_runs_that_fail_are_counted_by_day_version_and_expectation(url: str) -> None:
    found = scanned(url, "not_contains: rose")
    assert (found.runs, found.failing, found.unscored, found.in_progress) == (201, 101, 0, 0)
    assert len(found.days) == 7
    assert [day.name for day in found.days] == sorted(day.name for day in found.days)
    assert sum(day.failing for day in found.days) == 101
    assert {share.name: (share.runs, share.failing) for share in found.versions} == {
        "v1": (100, 50),
        "v2": (100, 50),
        "v7": (1, 1),
    }
    (group,) = found.groups
    assert (group.what, group.workflow, len(group.runs)) == ("not_contains: rose", "report", 101)
    assert group.example.run in group.runs
    assert group.example.step == 5
    assert "rose" in group.example.reason
    assert group.expect == ({"not_contains": "rose"},)


@pytest.mark.parametrize(
    ("expect", "step"),
    [
        ({"tool_not_called": "run_sql"}, 1),
        ({"tool_not_called": "transfer_to_summarizer"}, 4),
        ({"tool_called": {"name": "run_sql", "times": 1}}, 1),
        ({"not": {"tool_called": "transfer_to_summarizer"}}, 4),
        ({"trajectory": ["run_sql", "run_sql"]}, 4),
        ({"eventually_calls": {"call": "ask", "before": "transfer_to_summarizer"}}, 4),
        ({"eventually_calls": {"call": "transfer_to_summarizer", "before": "run_sql"}}, 1),
        ({"eventually_calls": "ask"}, 5),
        ({"tool_called": "ask"}, 5),
    ],
)
def test_an_expectation_about_calls_names_the_step_that_broke_it(
    url: str, expect: dict[str, Any], step: int
) -> None:
    (group,) = scanned(url, expect, last=1).groups
    assert group.example.step == step


def test_the_newest_runs_are_taken_first(url: str) -> None:
    found = scanned(url, "contains: x", last=3)
    assert found.runs == 3
    assert len(found.days) == 1


def test_secrets_are_replaced_in_what_is_quoted(url: str) -> None:
    (group,) = scanned(url, "not_contains: fell").groups
    assert "fell" in group.example.reason
    assert "AKIA" not in group.example.reason


def test_a_run_that_ended_with_an_error_fails_and_is_grouped_by_it(url: str) -> None:
    found = scanned(url, "contains: x", workflow="order")
    (group,) = found.groups
    assert group.name == "reserve-out-of-stock-error"
    assert group.what.startswith("shop.OutOfStockError: no ")


def test_a_run_that_is_in_progress_is_not_scored(url: str) -> None:
    found = scanned(url, "contains: x", workflow="stock")
    assert (found.runs, found.in_progress) == (2, 1)


def test_a_check_of_the_projects_own_names_several_failures_of_one_run(url: str) -> None:
    def check(run: Run) -> Sequence[Any]:
        first = next(step.number for step in run.steps if step.kind is StepKind.MODEL)
        return [(True, first, "Asked twice"), (run.id != "report-1", "run_sql", "never"), None]

    def said_rose(run: Run) -> Any:
        return run.id.startswith("bad"), None, "rose", [{"contains": "fell"}]

    found = scanned(url, check=said_rose)
    assert (found.failing, found.groups[0].expect) == (100, ({"contains": "fell"},))
    with pytest.raises(
        BadInputError, match=r"'check' names a step that is not there: 'run_sql' fits the steps"
    ):
        scanned(url, check=check)


@pytest.mark.parametrize(
    ("returned", "failing"), [(None, 0), (True, 0), (False, 1), ((False, None, "x"), 0), ([False, None], 1)]
)
def test_a_check_may_answer_in_one_word(url: str, returned: Any, failing: int) -> None:
    assert scanned(url, check=returning(returned), last=1).failing == failing


async def _later(value: Any) -> Any:
    return value


@pytest.mark.parametrize(
    ("returned", "steps"),
    [
        ((True, 4, "x"), [4]),
        ((True, "4", "x"), [4]),
        ((True, "transfer_to_summarizer", "x"), None),
        ((True, None, "x"), [None]),
        ((True, 2, "x", [{"contains": "fell"}]), [2]),
        ([(True, 2, "x"), (False, 3, "y"), (True, 5, "z")], [2, 5]),
        ([(True, 2, "x"), False], [2, None]),
    ],
)
@pytest.mark.parametrize("is_async", [False, True])
def test_every_kind_of_finding_names_its_step(
    url: str, returned: Any, steps: list[int | None] | None, is_async: bool
) -> None:
    def check(_run: Run) -> Any:
        return _later(returned) if is_async else returned

    if steps is None:
        with pytest.raises(BadInputError, match="names a step that is not there"):
            scanned(url, check=check, last=1)
        return
    found = scanned(url, check=check, last=1)
    assert sorted((group.example.step for group in found.groups), key=str) == sorted(steps, key=str)


@pytest.mark.parametrize("returned", [3, (True, 1), (1, 1, "x"), (True, 1, ""), "yes"])
def test_a_check_that_returns_something_else_is_refused(url: str, returned: Any) -> None:
    with pytest.raises(
        BadInputError, match=r"returned .*accepted: None, True, False, \(failed, step, name\)"
    ):
        scanned(url, check=returning(returned), last=1)


def test_a_run_that_a_check_cannot_read_is_not_scored(url: str) -> None:
    def check(run: Run) -> bool:
        raise KeyError(run.workflow)

    found = scanned(url, check=check, last=4)
    assert (found.runs, found.unscored) == (0, 4)
    assert found.unscored_why == "check raised KeyError: 'report'"


def test_a_judge_is_refused_with_the_number_of_its_calls(url: str) -> None:
    judge = {"judge": {"rubric": "Is polite.", "votes": 3}}
    with pytest.raises(BadInputError, match=r"3 calls for each of 201 runs, up to 603 calls; .*--judge"):
        scanned(url, [judge, "contains: x"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"expect": "contain: x"}, "unknown scorer 'contain'"),
        ({"expect": "contains: ["}, "'--expect', line 1"),
        ({"expect": "just text"}, "a mapping is needed"),
        ({"check": "checks"}, "write module:function"),
        ({"check": "no_such_module:f"}, "cannot be imported: ModuleNotFoundError"),
        ({}, "give --expect or --check"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(url: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message) as error:
        scanned(url, **given)
    assert "\n" not in str(error.value)
