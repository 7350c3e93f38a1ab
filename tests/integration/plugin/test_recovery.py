"""What killed sessions paid for is seen into answers.jsonl, and spared to the next session of the same mode."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_refork.xdist.shared_answers import for_workers, open_answers
from refork.answer_cache import AnswersMode, CachedAnswer, Store
from refork.config import Config, load_config
from refork.records import Answer
from refork.records.usage import Usage
from refork.storage.cache_folder import cache_folder
from refork_evals.evaluation.kept_answers.durable_answers import DurableAnswers

DIGEST = "d" * 64
FRESH = [AnswersMode.LIVE, AnswersMode.REFRESH]


def kept(trial: int, *, ago: timedelta = timedelta(0), text: str = "fell") -> CachedAnswer:
    return CachedAnswer(
        digest=DIGEST, trial=trial, answered_at=datetime.now(UTC) - ago, answer=Answer(text=text)
    )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "pyproject.toml").write_text("[tool.refork]\napp = 'shop'\n")
    (tmp_path / "evals/cases/rosy").mkdir(parents=True)
    return load_config(tmp_path, environ={})


def case(project: Config) -> Path:
    return project.cases / "rosy"


def session(project: Config, mode: AnswersMode = AnswersMode.REUSE, **workerinput: str) -> DurableAnswers:
    config: Any = SimpleNamespace(workerinput=workerinput) if workerinput else SimpleNamespace()
    return open_answers(config, replace(project, answers=mode.value))


def worker_of(controller: DurableAnswers, project: Config, mode: AnswersMode) -> DurableAnswers:
    return session(project, mode, workerid="gw0", workercount="1", **for_workers(controller))


def killed(dying: DurableAnswers) -> None:
    """Let go of all that the process holds, and of nothing else."""
    dying._stack.close()
    if dying._recovery is not None:
        dying._recovery._stack.close()


def found(dying: DurableAnswers, project: Config, trials: Sequence[int]) -> list[int]:
    return [trial for trial in trials if dying.store.find(case(project), kept(trial).key) is not None]


def in_file(project: Config) -> list[int]:
    lines = (case(project) / "answers.jsonl").read_text().splitlines()
    return sorted(json.loads(line)["trial"] for line in lines)


def left_over(project: Config) -> list[str]:
    return [path.name for path in cache_folder(project.root).glob("*") if path.suffix != ".sqlite"]


@pytest.mark.parametrize("mode", [*FRESH, AnswersMode.REUSE])
def test_answers_of_several_killed_sessions_are_reused_by_the_last_of_them(
    mode: AnswersMode, project: Config
) -> None:
    for trial in (1, 2, 3):
        dying = session(project, mode)
        assert found(dying, project, [1, 2, 3]) == list(range(1, trial))
        dying.store.note(case(project), kept(trial))
        killed(dying)
    last = session(project, mode)
    assert found(last, project, [1, 2, 3, 4]) == [1, 2, 3]
    assert in_file(project) == [1, 2, 3]
    last.close(complete=True)
    assert left_over(project) == []


def test_one_line_says_how_many_answers_were_taken_up(project: Config) -> None:
    dying = session(project)
    dying.store.note(case(project), kept(1))
    dying.store.note(case(project), kept(2))
    killed(dying)
    line = "agent evals: recovered 2 answers from a session that was killed"
    first = session(project)
    assert first.lines == (line,)
    killed(first)
    assert session(project).lines == ()


@pytest.mark.parametrize("mode", FRESH)
def test_a_session_that_asks_afresh_says_what_it_does_not_ask_for(mode: AnswersMode, project: Config) -> None:
    for count in (1, 2):
        dying = session(project, mode)
        dying.store.note(case(project), kept(count))
        killed(dying)
        last = session(project, mode)
        assert [f"recovered {count} answer" in line for line in last.lines] == [True]
        killed(last)


@pytest.mark.parametrize("mode", FRESH)
def test_what_a_session_asked_afresh_to_its_end_is_asked_afresh_again(
    mode: AnswersMode, project: Config
) -> None:
    done = session(project, mode)
    done.store.note(case(project), kept(1))
    done.close(complete=True)
    assert found(session(project, mode), project, [1]) == []
    assert in_file(project) == [1]


@pytest.mark.parametrize("mode", FRESH)
def test_one_that_was_interrupted_leaves_its_answers_to_the_next_of_its_mode(
    mode: AnswersMode, project: Config
) -> None:
    stopped = session(project, mode)
    stopped.store.note(case(project), kept(1))
    stopped.close(complete=False)
    assert in_file(project) == [1]
    other = session(project, next(each for each in FRESH if each is not mode))
    assert found(other, project, [1]) == []
    killed(other)
    last = session(project, mode)
    assert found(last, project, [1]) == [1]
    last.close(complete=True)
    assert left_over(project) == []


@pytest.mark.parametrize("mode", FRESH)
def test_yesterdays_answers_stand_for_none_that_is_asked_for_afresh(
    mode: AnswersMode, project: Config
) -> None:
    dying = session(project, mode)
    dying.store.note(case(project), kept(1, ago=timedelta(hours=25)))
    killed(dying)
    assert found(session(project, mode), project, [1]) == []
    assert in_file(project) == [1]


def test_refreshing_what_was_taken_up_loses_none_of_it(project: Config) -> None:
    Store().keep(case(project), [kept(5, ago=timedelta(days=3), text="old")])
    dying = session(project, AnswersMode.REFRESH)
    dying.store.note(case(project), kept(1))
    killed(dying)
    last = session(project, AnswersMode.REFRESH)
    # Only what this session asked for is given to be kept, and all else of the same requests goes.
    Store(AnswersMode.REFRESH).keep(case(project), [kept(2)], requested={DIGEST})
    assert in_file(project) == [2]
    last.close(complete=True)
    assert in_file(project) == [1, 2]


def test_answers_of_a_case_that_is_away_for_the_moment_wait_for_it(project: Config) -> None:
    dying = session(project)
    dying.store.note(case(project), kept(1))
    killed(dying)
    case(project).rename(project.root / "elsewhere")
    session(project).close(complete=True)
    (project.root / "elsewhere").rename(case(project))
    session(project).close(complete=True)
    assert in_file(project) == [1]
    assert left_over(project) == []


def test_answers_of_a_case_that_was_deleted_are_forgotten_after_a_day(project: Config) -> None:
    dying = session(project)
    dying.store.note(case(project), kept(1, ago=timedelta(hours=25)))
    killed(dying)
    case(project).rmdir()
    session(project).close(complete=True)
    assert left_over(project) == []


def test_a_file_that_cannot_be_read_costs_no_answer(project: Config) -> None:
    (case(project) / "answers.jsonl").write_text("<<<<<<< mine\n")
    dying = session(project)
    dying.store.note(case(project), kept(1))
    killed(dying)
    session(project).close(complete=True)
    (case(project) / "answers.jsonl").unlink()
    session(project).close(complete=True)
    assert in_file(project) == [1]


@pytest.mark.parametrize("mode", [*FRESH, AnswersMode.REUSE])
def test_workers_are_spared_what_was_taken_up_and_what_they_pay_for_is_kept(
    mode: AnswersMode, project: Config
) -> None:
    dying = session(project, mode)
    dying.store.note(case(project), kept(1))
    killed(dying)
    controller = session(project, mode)
    worker = worker_of(controller, project, mode)
    assert found(worker, project, [1]) == [1]
    assert worker.lines == ()
    worker.store.note(case(project), kept(2))
    killed(worker)
    controller.close(complete=True)
    assert in_file(project) == [1, 2]
    assert left_over(project) == []


def test_a_worker_that_outlives_its_session_costs_nothing(project: Config) -> None:
    controller = session(project)
    worker = worker_of(controller, project, AnswersMode.REUSE)
    worker.store.note(case(project), kept(1))
    killed(controller)
    following = session(project)
    assert found(following, project, [1]) == [1]
    worker.store.note(case(project), kept(2))
    killed(worker)
    following.close(complete=True)
    assert in_file(project) == [1, 2]
    assert left_over(project) == []


def test_two_sessions_side_by_side_leave_each_other_alone(project: Config) -> None:
    one, other = session(project, AnswersMode.LIVE), session(project, AnswersMode.LIVE)
    one.store.note(case(project), kept(1))
    other.store.note(case(project), kept(2))
    killed(one)
    other.close(complete=True)
    assert in_file(project) == [2]
    last = session(project, AnswersMode.LIVE)
    assert found(last, project, [1, 2]) == [1]


def test_an_answer_that_says_more_is_not_replaced_by_what_was_written_down_first(project: Config) -> None:
    running = session(project)
    first = kept(1)
    running.store.note(case(project), first)
    fuller = replace(first, usage=Usage(input_tokens=1, output_tokens=2), model="m", seconds=0.5)
    Store().keep(case(project), [fuller])
    running.close(complete=True)
    assert Store().find(case(project), first.key) == fuller


def test_the_folder_for_want_of_a_better_one_is_nobody_elses(
    project: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    running = session(project)
    assert "agent evals: the cache folder" in running.lines[0]
    [usual] = tmp_path.glob("refork-*")
    running.close(complete=True)
    usual.chmod(0o777)
    session(project).close(complete=True)
    assert len(list(tmp_path.glob("refork-*"))) == 2
