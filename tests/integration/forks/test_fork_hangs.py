"""Code that hangs in a replay: it ends by a time-out, and so does the process."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOS
from refork.records import Run
from refork.records.outcome import ForkStatus
from support.apps import helpdesk as desk
from support.forks import case_of, fresh_session
from support.model_server import ModelServer
from support.sampled import sampled


@pytest.mark.parametrize("kind", sampled(["async", "sync", "async that blocks its loop"], quick=["sync"]))
def test_a_replay_that_hangs_ends_by_a_timeout_that_names_the_step(
    kind: str, runs: dict[str, Run], server: ModelServer, ledger: Path
) -> None:
    release = {"at": time.monotonic() + 6}

    async def waits_for_ever(name: str) -> Any:
        await DBOS.sleep_async(0.01)
        await asyncio.sleep(3600)

    def blocks_a_thread(name: str) -> Any:
        while time.monotonic() < release["at"]:
            time.sleep(0.05)

    async def blocks_its_loop(name: str) -> Any:
        await DBOS.sleep_async(0.01)
        while time.monotonic() < release["at"] - 3:
            time.sleep(0.05)  # noqa: ASYNC251 - it is what users should not do

    bodies = {"async": waits_for_ever, "sync": blocks_a_thread, "async that blocks its loop": blocks_its_loop}
    name = "run_sync" if kind == "sync" else "messages_events_and_sleep_before"
    desk.plots[name] = bodies[kind]
    started = time.monotonic()
    with fresh_session(replay_timeout=0.5) as session:
        fork = session.fork(case_of(runs[name]))
        assert fork.wait(5)
        outcome = fork.outcome()
    release["at"] = 0.0
    assert time.monotonic() - started < 12
    assert outcome.status is ForkStatus.ERROR
    where = "before its first step" if kind == "sync" else "after step 1 ('DBOS.sleep')"
    assert f"the replay hung {where}: nothing happened for 0.5 s" in outcome.reason
    assert server.count == 0
