"""A session in which everything goes wrong that can, and which says nothing of it but what it prints itself.

Usage: ``python -W error -m support.quiet_session RUNS``
"""

import asyncio
import os
import pickle
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what other people's packages do when they are imported
    import agents
    import dbos_openai_agents
    import openai
    from refork.fork import ForkSession
    from refork.records.outcome import Outcome

    from support import plots
    from support.apps import helpdesk as desk
    from support.forks import CAREFUL, case_of, fresh_session, measure, plan
    from support.model_server import Call, Failure, ModelServer, Reply


async def swallows_everything(name: str) -> Any:
    for _ in range(3):
        try:
            await plots.ask(desk.clerk, name)
        except BaseException:
            desk.note("swallowed")


async def task_nobody_awaits(name: str) -> Any:
    asyncio.get_running_loop().create_task(desk.note_async("nobody"))
    return await plots.ask(desk.clerk, name)


async def hangs(_name: str) -> Any:
    await asyncio.sleep(3600)


def hangs_in_a_thread(_name: str) -> Any:
    threading.Event().wait()


async def raises(_name: str) -> Any:
    raise LookupError("on purpose")


def with_code(session: ForkSession, runs: Any, name: str, body: Callable[[str], Any]) -> Outcome:
    plots.as_recorded()
    desk.plots[name] = body
    return measure(session, case_of(runs[name]), 3, CAREFUL)


def everything(session: ForkSession, runs: Any, server: ModelServer) -> None:
    for name in ("one_call", "run_sync", "a_handoff_before", "children_before", "a_loop_of_its_own"):
        plots.as_recorded()
        session.replay(runs[name])
        assert measure(session, case_of(runs[name]), 3, CAREFUL).reason == ""
    assert with_code(session, runs, "one_call", swallows_everything).reason == ""
    assert with_code(session, runs, "a_tool_before", task_nobody_awaits).reason != ""
    assert with_code(session, runs, "one_call", raises).reason != ""
    server.script = lambda _request: Reply(calls=(Call("send_mail", {"to": "x"}),))
    assert with_code(session, runs, "one_call", lambda name: plots.ask(desk.clerk, name)).reason == ""
    server.script = lambda _request: Failure(400, "no")
    assert with_code(session, runs, "one_call", lambda name: plots.ask(desk.clerk, name)).reason == ""
    server.script = plots.answer
    assert "hung" in with_code(session, runs, "one_call", hangs).reason
    assert "hung" in with_code(session, runs, "run_sync", hangs_in_a_thread).reason


def main(runs_file: Path) -> None:
    runs = pickle.loads(runs_file.read_bytes())
    with ModelServer(plots.answer) as server:
        os.environ["OPENAI_BASE_URL"] = server.url
        with fresh_session(replay_timeout=0.7) as session:
            everything(session, runs, server)
            plots.as_recorded()
            with server.held():
                stopped = session.fork(case_of(runs["one_call"]))
                plan(stopped, 20)
                server.wait_for(server.count + 8)
                stopped.stop()
            session.stop()
        with fresh_session() as session, server.held():
            for name in ("one_call", "run_sync"):
                plan(session.fork(case_of(runs[name])), 20)
            server.wait_for(server.count + 8)
            session.shut()
        time.sleep(0.3)
    print("said nothing", len((agents, dbos_openai_agents, openai)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
