"""answers.jsonl holds whatever a model wrote, and merges wherever two branches add to it."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from refork.answer_cache import AnswersMode, CachedAnswer, Store
from refork.answer_cache.answers_file import load_answers
from refork.records import Answer

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def kept(digest: str, trial: int = 1, text: str = "") -> CachedAnswer:
    return CachedAnswer(digest=digest, trial=trial, answered_at=NOON, answer=Answer(text=text or digest))


def test_an_endlessly_nested_answer_costs_no_other_answer(tmp_path: Path) -> None:
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    nested = CachedAnswer(digest="b", trial=1, answered_at=NOON, answer=Answer(text="[", structured=deep))
    Store(AnswersMode.REUSE).keep(tmp_path, [nested, kept("c")])
    assert {each.digest for each in load_answers(tmp_path).values()} == {"c"}


@pytest.mark.parametrize(("one", "two"), [("5a", "5b"), ("00", "01"), ("f0", "f1")])
def test_branches_merge_wherever_their_answers_lie(one: str, two: str, tmp_path: Path) -> None:
    cases = tmp_path / "evals" / "cases"
    case = cases / "rosy"
    case.mkdir(parents=True)

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=n", "-c", "user.email=e@e")
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    def add(branch: str, digest: str) -> None:
        git("checkout", "--quiet", "-b", branch, "main")
        Store().keep(case, [kept(digest, trial) for trial in range(1, 11)], cases=cases)
        git("add", ".")
        git("commit", "--quiet", "--message", branch)

    git("init", "--quiet", "--initial-branch", "main")
    Store().keep(case, [kept(digest, trial) for digest in ("3b", "c1") for trial in (1, 2)], cases=cases)
    git("add", ".")
    git("commit", "--quiet", "--message", "base")
    add("one", one)
    add("two", two)
    git("merge", "--quiet", "--no-edit", "one")
    assert len(load_answers(case)) == 4 + 20
