"""The record of a session: what it measured, and the commit that it measured."""

import subprocess
from dataclasses import replace
from pathlib import Path

from refork_evals.results import Fingerprint
from refork_reports.evaluation import Evaluation
from refork_reports.history.commit import Commit, commit_of
from refork_reports.history.file import read
from refork_reports.history.record import record
from support.report_evaluations import evaluation, misleading_summary


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_the_commit_is_named_and_whether_tracked_files_differ(tmp_path: Path) -> None:
    assert commit_of(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert commit_of(tmp_path) is None
    (tmp_path / "a.txt").write_text("a")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    git(tmp_path, "tag", "-am", "a tag", "v1")
    head = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "untracked.txt").write_text("b")
    assert commit_of(tmp_path) == Commit(digest=head, dirty=False)
    (tmp_path / "a.txt").write_text("b")
    assert commit_of(tmp_path) == Commit(digest=head, dirty=True)


def test_a_record_holds_the_counts_of_each_cell(tmp_path: Path) -> None:
    found = record(evaluation(misleading_summary()), tmp_path)
    current, careful, _ = found.cells
    assert (current.verdict, current.passes, current.failures, current.trials) == ("fail", 1, 9, 10)
    assert careful.pass_rate == 1.0
    assert current.interval is not None
    assert current.model == "gpt-4o-mini"
    assert {"python", "refork", "dbos"} <= set(found.versions)
    assert (found.commit, found.dirty) == (None, None)


def test_other_expectations_give_another_fingerprint(tmp_path: Path) -> None:
    digests = set()
    for fingerprint in (None, Fingerprint(run="a", scorers="b"), Fingerprint(run="a", scorers="c")):
        case = replace(misleading_summary(), fingerprint=fingerprint)
        digests.add(record(evaluation(case), tmp_path).cells[0].fingerprint)
    assert len(digests) == 3


def test_an_evaluation_from_python_appends_itself(tmp_path: Path) -> None:
    made = Evaluation(evaluation(misleading_summary()))
    path = made.append_history(tmp_path / "evals" / "history.jsonl", project=tmp_path)
    made.append_history(path, project=tmp_path)
    first, second = read(path).sessions
    assert first == second == record(made.result, tmp_path)
