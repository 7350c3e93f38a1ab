"""A scan of a Postgres database, batch by batch, through a role that may only read."""

from collections.abc import Generator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
import refork
from refork.dbos.reader import batches
from refork_evals.scan.failing_runs import failing_runs
from refork_evals.scan.good_runs import good_run
from support.many_runs import multiply_in_postgres
from support.postgres import copied_database, role_of

COPIES, BATCH = 100, 40
EXPECT = ("tool_not_called: transfer_to_summarizer", "contains: Revenue")


@pytest.fixture(scope="module")
def url(postgres_server: str, shop_postgres_owner: str) -> Generator[str]:
    """The runs of ``shop``, and 100 copies of one."""
    template = urlsplit(shop_postgres_owner).path[1:]
    with copied_database(postgres_server, template) as name:
        owner = urlunsplit(urlsplit(postgres_server)._replace(path=f"/{name}"))
        multiply_in_postgres(owner, "report-1", COPIES, prefix="copy")
        with role_of(owner) as reader:
            yield reader


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.refork]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(batches, "BATCH", BATCH)


def test_every_run_is_scored_once_whatever_the_batch(url: str) -> None:
    found = refork.scan(url, expect=EXPECT, workflow="report")
    assert (found.runs, found.failing, found.unscored) == (COPIES + 1, COPIES + 1, 0)
    (group,) = found.groups
    assert (len(set(group.runs)), group.example.step) == (COPIES + 1, 4)
    assert (len(found.days), {version.name for version in found.versions} >= {"v1", "v2"}) == (7, True)


def test_it_finds_what_a_scan_of_sqlite_finds(url: str, sqlite_file: Path) -> None:
    here, there = (refork.scan(each, expect=EXPECT, last=None) for each in (url, f"sqlite:///{sqlite_file}"))
    kept = {group.what: len([run for run in group.runs if "copy" not in run]) for group in here.groups}
    assert kept == {group.what: len(group.runs) for group in there.groups}
    assert here.in_progress == there.in_progress


def test_failing_runs_and_a_good_one_are_found(url: str) -> None:
    found = failing_runs(url, expect=EXPECT, workflow="report", limit=3, on_note=print)
    assert len(found.runs) == 3
    assert {broken.step for run in found.runs for broken in run.broken} == {4}
    assert good_run(url, "copy-5", on_note=print) in {"copy-0", "report-1"}
