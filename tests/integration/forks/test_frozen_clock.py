"""The application's code is told the recorded run's time; DBOS and everything else the time as it is."""

import dataclasses
import sys
import time
from collections.abc import Generator
from datetime import UTC, date, datetime, timedelta

import pytest
from refork.dbos.evals_database.checkpoints import checkpoints
from refork.errors import BadInputError
from refork.fork import ForkSession
from refork.fork.clock import moment_of, recorded_clock
from refork.records import Case, Run
from refork.records.outcome import Outcome
from support import plots
from support.apps import helpdesk
from support.forks import case_of, fresh_session, measure, plan
from support.model_server import ModelServer

LONG_AGO = datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def session(module_server: ModelServer) -> Generator[ForkSession]:
    with fresh_session(frozen_clock=True) as session:
        yield session


def at(run: Run, moment: datetime) -> Case:
    """A case of a run that came to its fork point at this moment."""
    case = case_of(run)
    steps = tuple(
        dataclasses.replace(step, started_at=moment, completed_at=moment + timedelta(seconds=1))
        for step in run.steps
    )
    return dataclasses.replace(case, run=dataclasses.replace(run, id=f"{run.id}-{moment.year}", steps=steps))


async def _ask_with_the_time(_name: str) -> object:
    now, today, stamp = datetime.now(UTC), date.today(), time.time()
    return await plots.ask(helpdesk.clerk, f"{now.isoformat()} {today.isoformat()} {stamp:.0f}")


def said(outcome: Outcome) -> str:
    return str(outcome.requests["current"].input)


def test_forks_side_by_side_have_a_time_each(
    session: ForkSession, runs: dict[str, Run], server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(helpdesk.plots, "one_call", _ask_with_the_time)
    moments = [LONG_AGO, LONG_AGO.replace(year=2023)]
    forks = [session.fork(at(runs["one_call"], moment)) for moment in moments]
    for fork in forks:
        plan(fork, 2)
        fork.close()
    for fork, moment in zip(forks, moments, strict=True):
        assert fork.wait(20)
        outcome = fork.outcome()
        assert [trial.error for trial in outcome.trials] == [None, None]
        expected = f"{moment.isoformat()} {moment.date().isoformat()} {moment.timestamp():.0f}"
        assert expected in said(outcome)
    assert server.count == 4


def test_dbos_the_trials_and_this_test_see_the_real_time(
    session: ForkSession, runs: dict[str, Run], server: ModelServer
) -> None:
    before = datetime.now(UTC)
    assert before.year > 2025
    server.latency = 0.2
    outcome = measure(session, at(runs["one_call"], LONG_AGO), 1)
    (trial,) = outcome.trials
    assert trial.seconds > 0.15
    assert trial.answered_at is not None
    assert trial.answered_at >= before
    assert outcome.run_id is not None
    (step, *_) = checkpoints(session._host.system_database, outcome.run_id, first=1)
    assert step.started_at is not None
    assert step.started_at >= before - timedelta(seconds=1)


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "time_machine", None)
    with pytest.raises(BadInputError, match=r"install refork\[clock\]"), recorded_clock(lambda: None):
        pass


def test_a_run_without_times_goes_by_the_clock(runs: dict[str, Run]) -> None:
    run = runs["one_call"]
    assert moment_of(run, 1) == run.steps[0].started_at
    bare = dataclasses.replace(
        run,
        created_at=None,
        steps=tuple(dataclasses.replace(step, started_at=None, completed_at=None) for step in run.steps),
    )
    assert moment_of(bare, 1) is None
