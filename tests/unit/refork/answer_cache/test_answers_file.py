"""answers.jsonl: one answer a line, read with care, merged without a hand."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from refork.answer_cache import AnswersMode, CachedAnswer, Store, digest_of, forget_normalizers, normalizer
from refork.answer_cache.answers_file import load_answers, save_answers
from refork.errors import BadFileError
from refork.records import Answer, Request, Tool, ToolCall
from refork.records.usage import Usage

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SENT = Request(
    agent="a", model="m", prompt="p", input=[{"role": "user", "content": "q"}], settings={"temperature": 0.2}
)


def kept(digest: str = "a", trial: int = 1, **fields: Any) -> CachedAnswer:
    given: dict[str, Any] = {"answered_at": NOON, "answer": Answer(text=f"{digest} {trial}"), **fields}
    return CachedAnswer(digest=digest, trial=trial, **given)


def test_written_answers_are_read_back_sorted_one_answer_a_line(tmp_path: Path) -> None:
    full = kept(
        "b",
        2,
        model="m",
        seconds=1.5,
        usage=Usage(calls=1, input_tokens=3),
        answer=Answer(
            text="line\nbreak \u2028 \x85 \ud800 é", tool_calls=(ToolCall(name="t", arguments={"x": 1}),)
        ),
        normalizers=("undated",),
    )
    judge = kept("c", kind="judge", answer=None, output="{}", of="b", occurrence=3)
    save_answers(tmp_path, [judge, full, kept("a", 10), kept("a", 2)])
    lines = (tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["trial"] for line in lines] == [2, 10, 2, 1]
    assert list(load_answers(tmp_path).values()) == [kept("a", 2), kept("a", 10), full, judge]


def test_a_file_without_answers_is_no_file(tmp_path: Path) -> None:
    save_answers(tmp_path, [kept()])
    save_answers(tmp_path, [])
    assert list(tmp_path.iterdir()) == []
    assert load_answers(tmp_path) == {}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 1' is damaged or truncated"),
        ("{}", "the key 'version' is missing"),
        ('{"version": 2}', "was written by a newer Refork"),
        ('{"version": 1, "digest": "a", "trail": 1}', "unknown key 'trail'; did you mean 'trial'?"),
        ('{"version": 1, "digest": "a", "trial": 1}', "the key 'answered_at' is missing"),
        ("<<<<<<< HEAD", "is a conflict of a merge: keep the lines of both sides"),
    ],
)
def test_an_invalid_answer_is_named_with_its_line(line: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "answers.jsonl").write_text(line + "\n")
    with pytest.raises(BadFileError) as caught:
        load_answers(tmp_path)
    assert said in str(caught.value)
    assert "answers.jsonl, line 1" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_later_line_of_the_same_answer_counts(tmp_path: Path) -> None:
    save_answers(tmp_path, [kept(answered_at=NOON + timedelta(days=1), answer=Answer(text="later"))])
    later = (tmp_path / "answers.jsonl").read_text()
    save_answers(tmp_path, [kept(answer=Answer(text="earlier"))])
    earlier = (tmp_path / "answers.jsonl").read_text()
    for order in (later + earlier, earlier + later):
        (tmp_path / "answers.jsonl").write_text(order)
        (found,) = load_answers(tmp_path).values()
        assert found.answer == Answer(text="later")


def test_two_branches_that_add_different_variants_merge_without_a_conflict(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=n", "-c", "user.email=e@e", *arguments],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )

    def add(branch: str, digest: str, start: str = "main") -> None:
        git("checkout", "--quiet", "-b", branch, start)
        Store().keep(tmp_path, [kept(digest, trial) for trial in range(1, 11)])
        git("commit", "--quiet", "--all", "--message", branch)

    git("init", "--quiet", "--initial-branch", "main")
    base = [kept(digest, trial) for digest in ("3b", "8f", "c1") for trial in range(1, 11)]
    Store().keep(tmp_path, base)
    git("add", ".")
    git("commit", "--quiet", "--message", "base")
    add("one", "5a")
    add("two", "e0")
    git("merge", "--quiet", "--no-edit", "one")
    assert {each.digest for each in load_answers(tmp_path).values()} == {"3b", "8f", "c1", "5a", "e0"}
    assert len(load_answers(tmp_path)) == 50


def test_refresh_drops_what_was_not_answered_again_and_live_does_not(tmp_path: Path) -> None:
    for mode, trials in [(AnswersMode.LIVE, [1, 2, 3]), (AnswersMode.REFRESH, [1])]:
        save_answers(tmp_path, [kept("a", 1), kept("a", 2), kept("a", 3), kept("b", 1)])
        Store(mode).keep(tmp_path, [kept("a", 1, answer=Answer(text="new"))], requested=["a"])
        found = load_answers(tmp_path).values()
        assert [each.trial for each in found if each.digest == "a"] == trials
        assert [each.digest for each in found if each.digest == "b"] == ["b"]


@pytest.mark.parametrize(
    "change",
    [
        {"model": "n"},
        {"prompt": "q"},
        {"input": []},
        {"settings": {"temperature": 0.3}},
        {"settings": {}},
        {"tools": (Tool(name="t"),)},
        {"output_schema": {"type": "object"}},
    ],
)
def test_the_digest_changes_with_everything_that_is_sent(change: dict[str, Any]) -> None:
    from dataclasses import replace

    assert digest_of(replace(SENT, **change)) != digest_of(SENT)
    assert digest_of(SENT, code="x") != digest_of(SENT)
    assert digest_of(replace(SENT, agent="renamed")) == digest_of(SENT)


def test_an_id_of_the_fork_itself_does_not_count() -> None:
    from dataclasses import replace

    one, two = (replace(SENT, prompt=f"run {own}") for own in ("fork-1", "fork-2"))
    assert digest_of(one, own_ids=["fork-1"]) == digest_of(two, own_ids=["fork-2"])
    assert digest_of(one) != digest_of(two)


def test_a_normalizer_is_given_every_text_and_changes_nothing_but_the_digest() -> None:
    seen: list[str] = []

    @normalizer
    def upper(text: str) -> str:
        seen.append(text)
        return text.upper()

    try:
        from dataclasses import replace

        assert digest_of(SENT) == digest_of(replace(SENT, prompt="P"))
        assert {"m", "p", "q", "user"} <= set(seen)
    finally:
        forget_normalizers()
