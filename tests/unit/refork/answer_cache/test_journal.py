"""Answers in a journal outlive the process that was given them, and are taken up once nobody holds it."""

import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from refork.answer_cache import AnswersMode, CachedAnswer, Store
from refork.answer_cache.journal import is_fresh, new_session, open_journal, unfinished_answers
from refork.records import Answer
from refork.storage.session_files import SUFFIX

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def kept(trial: int, text: str = "fell") -> CachedAnswer:
    return CachedAnswer(digest="d", trial=trial, answered_at=NOW, answer=Answer(text=text))


@pytest.fixture
def case(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "evals" / "cases" / "rosy"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "project"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    return folder


KILLED = """
    import os, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from refork.answer_cache import AnswersMode, CachedAnswer
    from refork.answer_cache.journal import open_journal
    from refork.records import Answer

    cache, home = Path(sys.argv[1]), Path(sys.argv[2])
    with open_journal(cache, mode=AnswersMode.REUSE, home=home) as journal:
        for trial in range(1, 6):
            kept = CachedAnswer(digest="d", trial=trial, answered_at=datetime.now(UTC), answer=Answer(text="fell"))
            journal.add(home / "evals" / "cases" / "rosy", kept)
        os.kill(os.getpid(), 9)
"""


def test_all_answers_of_a_killed_process_are_in_its_journal(cache: Path, home: Path, case: Path) -> None:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED), cache, home], check=False)
    assert done.returncode == -9
    with unfinished_answers(cache, home) as left:
        assert [(each.folder, each.cached.trial) for each in left.answers] == [(case, n) for n in range(1, 6)]
        left.forget()
    assert list(cache.iterdir()) == []


def test_a_journal_whose_owner_lives_is_left_alone(cache: Path, home: Path, case: Path) -> None:
    with open_journal(cache, mode=AnswersMode.REUSE, home=home) as journal:
        assert journal is not None
        journal.add(case, kept(1))
        with unfinished_answers(cache, home) as left:
            assert left.answers == []
            left.forget()
        assert journal.path.exists()


@pytest.mark.parametrize("cut", range(0, 200, 7))
def test_a_line_that_was_cut_off_costs_none_before_it(cut: int, cache: Path, home: Path, case: Path) -> None:
    with open_journal(cache, mode=AnswersMode.REUSE, home=home) as journal:
        assert journal is not None
        journal.add(case, kept(1))
        whole = journal.path.stat().st_size
        journal.add(case, kept(2))
    data = journal.path.read_bytes()
    journal.path.write_bytes(data[: whole + min(cut, len(data) - whole - 2)])
    with unfinished_answers(cache, home) as left:
        assert [each.cached.trial for each in left.answers] == [1]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff\xfe\x00",
        b"[]",
        b"{}",
        b'{"version": 99, "mode": "reuse", "folder": "evals/cases/rosy", "answer": {}}',
        b'{"version": 1, "mode": "reuse", "folder": "../elsewhere", "answer": {"digest": "d", "trial": 1}}',
        b"[" * 100_000,
    ],
)
def test_lines_that_this_version_did_not_write_are_skipped(
    line: bytes, cache: Path, home: Path, case: Path
) -> None:
    (cache / f"odd{SUFFIX}").write_bytes(line + b"\n")
    with unfinished_answers(cache, home) as left:
        assert left.answers == []


def test_a_journal_without_answers_leaves_nothing_behind(cache: Path, home: Path) -> None:
    with open_journal(cache, mode=AnswersMode.REUSE, home=home):
        pass
    assert list(cache.iterdir()) == []


def test_a_folder_that_cannot_be_written_costs_the_session_nothing(tmp_path: Path, home: Path) -> None:
    (tmp_path / "file").write_text("")
    with open_journal(tmp_path / "file" / "cache", mode=AnswersMode.REUSE, home=home) as journal:
        assert journal is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_is_a_problem_and_no_exception(cache: Path, home: Path, case: Path) -> None:
    with open_journal(cache, mode=AnswersMode.REUSE, home=home) as journal:
        assert journal is not None
        journal._descriptor = os.open("/dev/full", os.O_WRONLY)
        journal.add(case, kept(1))
        assert journal.problem == "No space left on device"


def test_a_recovered_answer_answers_its_own_trial_and_no_other(case: Path) -> None:
    store = Store(AnswersMode.LIVE)
    store.take_up(case, kept(2))
    assert store.find(case, kept(2).key) == kept(2)
    assert store.find(case, kept(1).key) is None


def test_an_answer_of_last_week_stands_for_no_new_one() -> None:
    now = CachedAnswer(digest="d", trial=1, answered_at=datetime.now(UTC))
    old = CachedAnswer(digest="d", trial=1, answered_at=datetime.now(UTC) - timedelta(days=7))
    assert is_fresh(now)
    assert not is_fresh(old)


def test_a_case_outside_of_the_project_is_written_down_too(cache: Path, home: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "case.yaml").write_text("")
    with open_journal(cache, mode=AnswersMode.REUSE, home=home) as journal:
        assert journal is not None
        journal.add(elsewhere, kept(1))
    with unfinished_answers(cache, home) as left:
        assert [each.folder for each in left.answers] == [elsewhere]


def test_what_a_disk_took_a_part_of_spoils_no_answer_after_it(cache: Path, home: Path, case: Path) -> None:
    with open_journal(cache, mode=AnswersMode.REUSE, home=home) as journal:
        assert journal is not None
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
        try:
            journal.add(case, kept(1))
            assert journal.problem == "File too large"
            assert journal.path.stat().st_size == 100
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, ignored)
        journal.add(case, kept(2))
    with unfinished_answers(cache, home) as left:
        assert [each.cached.trial for each in left.answers] == [2]


ORPHAN = """
    import sys
    from pathlib import Path
    from refork.answer_cache import AnswersMode
    from refork.answer_cache.journal import open_journal

    cache, session, part = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    with open_journal(cache, mode=AnswersMode.REUSE, home=cache, session=session, part=part):
        print("open", flush=True)
        sys.stdin.read()
"""


@pytest.mark.parametrize("outlived", [True, False])
def test_a_worker_that_outlives_its_session_is_read_and_keeps_its_journal(
    outlived: bool, cache: Path, home: Path, case: Path
) -> None:
    session = new_session()
    with open_journal(cache, mode=AnswersMode.REUSE, home=home, session=session, part="gw0") as journal:
        assert journal is not None
        journal.add(case, kept(1))
        main = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(ORPHAN), cache, session, "main"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        with main:
            assert main.stdout is not None
            assert main.stdout.readline() == b"open\n"
            if outlived:
                main.kill()
                main.wait()
            with unfinished_answers(cache, home) as left:
                assert [each.cached.trial for each in left.answers] == ([1] if outlived else [])
                assert left.orphaned == ({session} if outlived else set())
                left.forget()
            main.kill()
        assert journal.path.exists()


def test_answers_of_an_ended_session_that_could_not_be_written_spare_no_session_that_asks_afresh(
    cache: Path, home: Path, case: Path
) -> None:
    with open_journal(cache, mode=AnswersMode.LIVE, home=home) as journal:
        assert journal is not None
        journal.add(case, kept(1))
    for expected in (AnswersMode.LIVE, AnswersMode.REUSE, AnswersMode.REUSE):
        with unfinished_answers(cache, home) as left:
            assert [(each.cached.trial, each.mode) for each in left.answers] == [(1, expected)]
            left.forget(but=[each.journal for each in left.answers])
    with unfinished_answers(cache, home) as left:
        left.forget()
    assert list(cache.iterdir()) == []


def test_the_answers_of_one_session_can_be_had_alone(cache: Path, home: Path, case: Path) -> None:
    sessions = [new_session(), new_session()]
    for number, session in enumerate(sessions):
        with open_journal(cache, mode=AnswersMode.REUSE, home=home, session=session) as journal:
            assert journal is not None
            journal.add(case, kept(number + 1))
    with unfinished_answers(cache, home, session=sessions[1]) as left:
        assert [each.cached.trial for each in left.answers] == [2]


def test_answers_that_were_cached_since_then_are_not_overwritten(case: Path) -> None:
    later = CachedAnswer(
        digest="d", trial=1, answered_at=NOW + timedelta(hours=1), answer=Answer(text="rose")
    )
    store = Store()
    store.keep(case, [later])
    assert store.absorb(case, [kept(1), kept(2)]) == {kept(2).key}
    assert Store().find(case, kept(1).key) == later
    assert Store().find(case, kept(2).key) == kept(2)


def test_answers_that_arrive_together_wait_for_one_sync_and_none_returns_before_its_own(
    cache: Path, home: Path, case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    threads = 16
    with open_journal(cache, mode=AnswersMode.REUSE, home=home) as journal:
        assert journal is not None
        path = journal.path

        def written() -> int:
            return path.read_bytes().count(b"\n")

        def slow_sync(_descriptor: int) -> None:
            """Takes until every thread has written its answer."""
            lines, deadline = written(), time.monotonic() + 10
            while written() < threads and time.monotonic() < deadline:
                time.sleep(0.005)
            synced.append(lines)

        def add(trial: int) -> bool:
            journal.add(case, kept(trial))
            lines = [line["answer"]["trial"] for line in map(json.loads, path.read_text().splitlines())]
            return lines.index(trial) < max(synced)

        monkeypatch.setattr(os, "fsync", slow_sync)
        with ThreadPoolExecutor(threads) as pool:
            assert all(pool.map(add, range(threads)))
    assert len(synced) <= 2
