"""An answer that was paid for is not paid for again, as long as the request is the same."""

import dataclasses
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from refork.answer_cache import AnswersMode, CachedAnswer, Store, forget_normalizers, normalizer
from refork.fork import ForkSession
from refork.records import Case, Run
from refork.records.outcome import ForkStatus, Outcome, Trial
from refork.records.variant import Variant
from support.forks import CAREFUL, case_of, measure
from support.kept import kept_of, recorded, use
from support.model_server import ModelServer

NEW = Variant(name="new", template="Something else.")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "case"


@pytest.fixture
def case(runs: dict[str, Run], folder: Path) -> Case:
    return dataclasses.replace(case_of(runs["one_call"]), folder=folder)


@pytest.fixture(autouse=True)
def as_before(session: ForkSession) -> Generator[None]:
    limits = session._host.limits
    yield
    session._host.limits = limits
    forget_normalizers()


def answers(outcome: Outcome) -> list[tuple[str, int, str]]:
    return [
        (trial.variant, trial.number, trial.answer.text)
        for trial in outcome.trials
        if trial.answer is not None
    ]


def test_n_trials_stay_n_measurements_and_cost_nothing_the_second_time(
    session: ForkSession, case: Case, server: ModelServer
) -> None:
    first = recorded(session, case, 3, CAREFUL)
    assert server.count == 6
    assert not any(trial.reused for trial in first.trials)
    use(session, AnswersMode.REUSE)
    again = measure(session, case, 3, CAREFUL)
    assert server.count == 6
    assert answers(again) == answers(first)
    assert len({text for _, _, text in answers(again)}) == 6
    for trial, before in zip(again.trials, first.trials, strict=True):
        assert trial.reused
        assert (trial.usage, trial.model, trial.answered_at) == (
            before.usage,
            before.model,
            before.answered_at,
        )


def test_only_what_is_new_is_paid_for(session: ForkSession, case: Case, server: ModelServer) -> None:
    recorded(session, case, 2, CAREFUL)
    server.requests.clear()
    use(session, AnswersMode.REUSE)
    outcome = measure(session, case, {"current": 3, "careful": 2, "new": 1}, CAREFUL, NEW)
    assert server.count == 2
    fresh = [(trial.variant, trial.number) for trial in outcome.trials if not trial.reused]
    assert fresh == [("current", 3), ("new", 1)]


def test_a_candidate_that_becomes_the_code_keeps_its_answers(
    session: ForkSession, case: Case, server: ModelServer
) -> None:
    before = recorded(session, case, {"careful": 2}, CAREFUL)
    server.requests.clear()
    use(session, AnswersMode.REUSE)
    renamed = dataclasses.replace(CAREFUL, name="promoted")
    outcome = measure(session, case, {"promoted": 2}, renamed)
    assert server.count == 0
    assert [text for _, _, text in answers(outcome)] == [text for _, _, text in answers(before)]


def test_offline_nothing_is_called_and_what_is_missing_names_the_prompt(
    session: ForkSession, case: Case, server: ModelServer
) -> None:
    recorded(session, case, 1)
    server.requests.clear()
    use(session, AnswersMode.OFFLINE)
    outcome = measure(session, case, {"current": 1, "new": 1}, NEW)
    assert server.count == 0
    kept, missing = outcome.trials
    assert kept.reused
    assert missing.error is not None
    assert missing.error.type == "AnswerMissingError"
    assert "variant 'new'" in missing.error.message
    assert "record it with `pytest --agent-evals`" in missing.error.message


def test_offline_more_trials_than_are_kept_are_no_change_of_the_prompt(
    session: ForkSession, case: Case, server: ModelServer
) -> None:
    recorded(session, case, 2)
    paid = server.count
    use(session, AnswersMode.OFFLINE)
    *_, third = measure(session, case, 3).trials
    assert server.count == paid
    assert third.error is not None
    assert "no answer 3 is cached for the request of variant 'current'" in third.error.message
    assert "the cache has only 2 for it; record it with" in third.error.message


@pytest.mark.parametrize("mode", [AnswersMode.LIVE, AnswersMode.REFRESH])
def test_live_asks_again_and_replaces(
    mode: AnswersMode, session: ForkSession, case: Case, server: ModelServer
) -> None:
    recorded(session, case, 3)
    store = use(session, mode)
    outcome = measure(session, case, 1)
    assert server.count == 4
    asked = [trial.cached_as.digest for trial in outcome.trials if trial.cached_as]
    store.keep(case.folder, kept_of(outcome), requested=asked)
    use(session, AnswersMode.REUSE)
    again = measure(session, case, 3)
    assert answers(again)[0] == answers(outcome)[0]
    assert server.count == (4 if mode is AnswersMode.LIVE else 6)


def test_a_normalizer_removes_what_differs_every_time_from_the_comparison(
    session: ForkSession, runs: dict[str, Run], folder: Path, server: ModelServer
) -> None:
    at = dataclasses.replace(case_of(runs["one_call"]), folder=folder)

    def dated(day: str) -> Variant:
        return Variant(name="dated", template=f"Today is {day}. Be kind.")

    recorded(session, at, {"dated": 1}, dated("2026-01-01"))
    use(session, AnswersMode.REUSE)
    assert not measure(session, at, {"dated": 1}, dated("2026-01-02")).trials[0].reused

    @normalizer
    def undated(text: str) -> str:
        return re.sub(r"\d{4}-\d\d-\d\d", "<date>", text)

    recorded(session, at, {"dated": 1}, dated("2026-01-03"))
    server.requests.clear()
    use(session, AnswersMode.REUSE)
    assert measure(session, at, {"dated": 1}, dated("2026-01-04")).trials[0].reused
    assert server.count == 0


def test_a_normalizer_that_raises_is_named(session: ForkSession, case: Case, server: ModelServer) -> None:
    @normalizer
    def broken(text: str) -> str:
        raise KeyError(text[:3])

    outcome = measure(session, case, 1)
    assert outcome.status is ForkStatus.ERROR
    assert "normalizer 'broken' raised KeyError" in outcome.reason
    assert server.count == 0


def test_a_damaged_file_is_named_with_its_line_and_nothing_is_paid_for(
    session: ForkSession, case: Case, folder: Path, server: ModelServer
) -> None:
    folder.mkdir()
    (folder / "answers.jsonl").write_text('{"version": 1}\n')
    use(session, AnswersMode.REUSE)
    outcome = measure(session, case, 1)
    assert outcome.status is ForkStatus.ERROR
    assert "answers.jsonl, line 1" in outcome.reason
    assert server.count == 0


class TestTails:
    @pytest.fixture
    def case(self, runs: dict[str, Run], session: ForkSession, folder: Path) -> Case:
        replayed = session.replay(runs["a_long_run"])
        assert replayed.problem is None
        made = case_of(replayed.run, 2, agent="Clerk", scope="tail")
        return dataclasses.replace(made, folder=folder)

    def test_every_model_call_of_a_tail_is_kept_and_the_tail_runs_without_one(
        self, session: ForkSession, case: Case, server: ModelServer
    ) -> None:
        first = recorded(session, case, 2)
        paid = server.count
        assert paid > 2
        use(session, AnswersMode.OFFLINE)
        again = measure(session, case, 2)
        assert server.count == paid
        assert answers(again) == answers(first)
        assert all(trial.reused for trial in again.trials)
        assert [labels(trial) for trial in again.trials] == [labels(trial) for trial in first.trials]
        assert [trial.usage for trial in again.trials] == [trial.usage for trial in first.trials]

    def test_offline_a_tail_ends_where_a_request_is_new(
        self, session: ForkSession, case: Case, server: ModelServer
    ) -> None:
        recorded(session, case, 1)
        paid = server.count
        use(session, AnswersMode.OFFLINE)
        (trial,) = measure(session, case, {"careful": 1}, CAREFUL).trials
        assert server.count == paid
        assert trial.error is not None
        assert trial.error.type == "AnswerMissingError"
        assert "variant 'careful'" in trial.error.message

    def test_only_requests_after_the_change_are_paid_for(
        self, session: ForkSession, case: Case, server: ModelServer
    ) -> None:
        recorded(session, case, 1)
        kept = load(case)
        last = max(kept, key=lambda each: each.answered_at)
        store = Store(AnswersMode.REFRESH)
        store.keep(case.folder, [], requested=[last.digest])
        server.requests.clear()
        use(session, AnswersMode.REUSE)
        (trial,) = measure(session, case, 1).trials
        assert trial.error is None
        assert not trial.reused
        assert 0 < server.count < len(kept)
        asked = [step.number for step in trial.trajectory if step.usage is not None]
        assert trial.reused_steps < {*asked}
        assert len(trial.reused_steps) == len(kept) - server.count


def load(case: Case) -> list[CachedAnswer]:
    from refork.answer_cache.answers_file import load_answers

    return list(load_answers(case.folder).values())


def labels(trial: Trial) -> list[Any]:
    return [(step.label or step.name, step.arguments) for step in trial.trajectory]
