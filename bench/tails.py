"""How long a fork in ``tail`` scope waits for its queue."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from refork.dbos.replay.admission import ForkState
from refork.fork import ForkSession
from refork.fork.fork_host import ForkHost
from refork.records import Case, Run
from refork.records.variant import current

from bench.forks import ROOT

TAILS = 20


def waits(opened: ForkSession, run: Run) -> list[float]:
    """Seconds from the start of each of ``TAILS`` tails, one at a time, until DBOS takes it off the queue."""
    point = max(step.number for step in run.steps if step.kind == "model")
    case = Case(name=run.id, folder=ROOT, run=run, step=point, scope="tail")
    with _clocked() as clock:
        for _ in range(TAILS):
            fork = opened.fork(case)
            (future,) = fork.run(current(), 1)
            fork.close()
            trial = future.result()
            assert trial.error is None, trial.error
            fork.wait()
    assert len(clock.started) == len(clock.taken) == TAILS
    return [clock.taken[run_id] - started for run_id, started in clock.started.items()]


class _Clock:
    """When each fork was first started, and first taken off the queue, by its run id."""

    def __init__(self) -> None:
        self.started: dict[str, float] = {}
        self.taken: dict[str, float] = {}


@contextmanager
def _clocked() -> Generator[_Clock]:
    clock = _Clock()
    start: Callable[..., None] = ForkHost.start
    begin = ForkState.begin

    def started(host: ForkHost, branch: Any, run: Run, **rest: Any) -> None:
        clock.started.setdefault(branch.fork_state.run_id, time.perf_counter())
        start(host, branch, run, **rest)

    def taken(state: ForkState) -> None:
        clock.taken.setdefault(state.run_id, time.perf_counter())
        begin(state)

    with patch.object(ForkHost, "start", started), patch.object(ForkState, "begin", taken):
        yield clock
