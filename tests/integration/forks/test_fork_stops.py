"""Nothing at or after the fork point runs but the trials, whatever the code does there."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest
import sqlalchemy as sa
from dbos import DBOS, SetWorkflowID
from dbos_openai_agents import DBOSRunner
from refork.fork import ForkSession
from refork.records import Run
from refork.records.outcome import ForkStatus, Outcome
from refork.records.variant import current
from support import plots
from support.apps import helpdesk as desk
from support.forks import case_of, measure
from support.model_server import Call, ModelServer, Reply


class Forked(Protocol):
    def __call__(self, body: Callable[[str], Any], name: str = "one_call", /) -> Outcome: ...


@pytest.fixture
def forked(runs: dict[str, Run], session: ForkSession, server: ModelServer, ledger: Path) -> Forked:
    """Measure ``one_call`` with today's code; nothing but three calls may have happened."""

    def fork(body: Callable[[str], Any], name: str = "one_call") -> Outcome:
        desk.plots[name] = body
        server.latency = 0.1
        outcome = measure(session, case_of(runs[name]), 3)
        assert (outcome.status, outcome.reason) == (ForkStatus.MEASURED, "")
        assert server.count == 3
        assert len(outcome.trials) == 3
        assert all(trial.answer for trial in outcome.trials)
        _settle(session)
        assert not ledger.exists(), ledger.read_text(encoding="utf-8")
        return outcome

    return fork


def _settle(session: ForkSession) -> None:
    """Wait until no workflow is active any more, or the rest of it would run after the test."""
    from refork.dbos.instance.engine import wait_until_idle

    wait_until_idle(session._engine, seconds=30)
    assert session._engine._dbos._active_workflows_set.activeList() == []
    assert session._engine.parked == 0


def test_tools_that_every_answer_asks_for_do_not_run(forked: Forked, server: ModelServer) -> None:
    server.script = lambda _request: Reply(
        calls=(Call("send_mail", {"to": "boss"}), Call("refund", {"amount": 9}))
    )
    forked(lambda name: plots.ask(desk.clerk, name))


def test_steps_workflows_messages_and_events_after_it_do_not_run(
    forked: Forked, session: ForkSession
) -> None:
    async def body(name: str) -> Any:
        await plots.ask(desk.clerk, name)
        desk.note("after")
        await desk.child("after")
        await DBOS.send_async(str(DBOS.workflow_id), "after", "topic")
        await DBOS.set_event_async("after", 1)

    outcome = forked(body)
    assert _rows(session, "workflow_events", outcome) == []
    assert _rows(session, "notifications", outcome, "destination_uuid") == []


def _rows(session: ForkSession, table: str, outcome: Outcome, column: str = "workflow_uuid") -> list[Any]:
    database = session._engine.system_database
    found = getattr(database.tables, table)
    with database.engine.connect() as connection:
        return list(connection.execute(sa.select(found).where(found.c[column] == outcome.run_id)))


def test_code_that_catches_every_exception_runs_nothing(forked: Forked) -> None:
    async def body(name: str) -> Any:
        with contextlib.suppress(Exception):
            await plots.ask(desk.clerk, name)
        desk.note("caught")

    forked(body)


def test_steps_in_finally_do_not_run(forked: Forked) -> None:
    async def body(name: str) -> Any:
        try:
            await plots.ask(desk.clerk, name)
        finally:
            try:
                desk.note("finally")
            finally:
                await desk.note_async("finally")

    forked(body)


def test_code_that_catches_base_exceptions_and_continues_runs_nothing(forked: Forked) -> None:
    async def body(name: str) -> Any:
        for _ in range(3):
            with contextlib.suppress(BaseException):
                await plots.ask(desk.clerk, name)
            with contextlib.suppress(BaseException):
                desk.note("on and on")
            with contextlib.suppress(BaseException):
                await desk.child("on and on")
            with contextlib.suppress(BaseException):
                await DBOS.start_workflow_async(desk.child, "on and on")
        return "done"

    forked(body)


def test_synchronous_code_that_catches_base_exceptions_runs_nothing(forked: Forked) -> None:
    def body(name: str) -> Any:
        for _ in range(3):
            with contextlib.suppress(BaseException):
                DBOSRunner.run_sync(desk.clerk, name)
            with contextlib.suppress(BaseException):
                desk.note("on and on")
            with contextlib.suppress(BaseException):
                DBOS.start_workflow(desk.child_sync, "on and on")
        return "done"

    forked(body, "run_sync")


async def _beside(name: str, *others: Any) -> Any:
    return await asyncio.gather(plots.ask(desk.clerk, name), *others)


@pytest.mark.parametrize(
    "sibling",
    [
        pytest.param(lambda: desk.note_async("beside"), id="async step"),
        pytest.param(lambda: asyncio.to_thread(desk.note, "beside"), id="step in a thread"),
        pytest.param(lambda: _soon(desk.note, "beside"), id="step on the event loop"),
        pytest.param(lambda: desk.child("beside"), id="child workflow"),
        pytest.param(lambda: DBOS.set_event_async("beside", 1), id="event"),
        pytest.param(lambda: DBOS.send_async("somebody", 1), id="message"),
        pytest.param(lambda: plots.ask(desk.closer, "beside"), id="model call"),
    ],
)
def test_operations_beside_the_fork_point_wait_and_do_not_disturb_the_trials(
    sibling: Callable[[], Any], forked: Forked
) -> None:
    async def beside() -> None:
        await asyncio.sleep(0.02)
        await sibling()

    forked(lambda name: _beside(name, beside(), beside()))


async def _soon(step: Callable[[str], Any], text: str) -> None:
    await asyncio.sleep(0)
    step(text)


def test_a_task_group_whose_member_fails_does_not_cut_the_trials_short(forked: Forked) -> None:
    async def fails() -> None:
        await asyncio.sleep(0.02)
        raise LookupError("beside")

    async def body(name: str) -> Any:
        async with asyncio.TaskGroup() as group:
            group.create_task(plots.ask(desk.clerk, name))
            group.create_task(fails())

    forked(body)


def test_parallel_model_calls_are_forked_one_at_a_time(
    runs: dict[str, Run], session: ForkSession, server: ModelServer, ledger: Path
) -> None:
    """Two agents side by side, forked at one's call: the other one's replays, or waits."""
    for step in (1, 2):
        server.requests.clear()
        server.latency = 0.05
        outcome = measure(session, case_of(runs["two_agents_side_by_side"], step), 3)
        assert (outcome.status, outcome.reason, server.count) == (ForkStatus.MEASURED, "", 3)
        assert not ledger.exists()


OPERATIONS: dict[str, Callable[[], Any]] = {
    "step": lambda: asyncio.to_thread(desk.note, "effect"),
    "async step": lambda: desk.note_async("effect"),
    "step on the event loop": lambda: _soon(desk.note, "effect"),
    "run_step": lambda: DBOS.run_step_async({"name": "inline"}, desk.write, "effect"),
    "child workflow": lambda: desk.child("effect"),
    "start_workflow": lambda: DBOS.start_workflow_async(desk.child, "effect"),
    "enqueue": lambda: DBOS.enqueue_workflow_async("anywhere", desk.child, "effect"),
    "enqueue with options": lambda: DBOS.enqueue_workflow_with_options_async(
        {"queue_name": "anywhere", "workflow_name": "child"}, "effect"
    ),
    "send": lambda: DBOS.send_async("somebody", "effect"),
    "recv": lambda: DBOS.recv_async("topic", timeout_seconds=0.05),
    "set_event": lambda: DBOS.set_event_async("key", "effect"),
    "get_event": lambda: DBOS.get_event_async("somebody", "key", timeout_seconds=0.05),
    "sleep": lambda: DBOS.sleep_async(0.05),
    "write_stream": lambda: DBOS.write_stream_async("stream", "effect"),
    "close_stream": lambda: DBOS.close_stream_async("stream"),
    "read_stream": lambda: _first(DBOS.read_stream_async("somebody", "stream")),
    "get_result": lambda: DBOS.get_result_async("somebody"),
    "get_status": lambda: DBOS.get_workflow_status_async("somebody"),
    "list_workflows": DBOS.list_workflows_async,
    "list_steps": lambda: DBOS.list_workflow_steps_async("somebody"),
    "fork_workflow": lambda: DBOS.fork_workflow_async("somebody", 1),
    "cancel_workflow": lambda: DBOS.cancel_workflow_async("somebody"),
    "resume_workflow": lambda: DBOS.resume_workflow_async("somebody"),
    "result of a handle": lambda: _result_of("somebody"),
}


async def _first(values: Any) -> Any:
    async for value in values:
        return value
    return None


async def _result_of(run_id: str) -> Any:
    from dbos._core import WorkflowHandleAsyncPolling
    from dbos._dbos import _get_dbos_instance

    return await WorkflowHandleAsyncPolling[Any](run_id, _get_dbos_instance()).get_result()


@pytest.mark.parametrize("name", OPERATIONS)
def test_any_operation_of_dbos_at_the_fork_point_is_stale_and_has_no_effect(
    name: str, runs: dict[str, Run], session: ForkSession, server: ModelServer, ledger: Path
) -> None:
    async def body(plot: str) -> Any:
        await OPERATIONS[name]()
        return await plots.ask(desk.clerk, plot)

    desk.plots["one_call"] = body
    before = _everything(session)
    outcome = measure(session, case_of(runs["one_call"]), 2)
    assert outcome.status is ForkStatus.STALE, outcome.reason
    assert "step 1 was '_model_call_step' when the run was recorded, the code reached" in outcome.reason
    _settle(session)
    assert server.count == 0
    assert not ledger.exists()
    assert _everything(session) - before == {("workflow_status", outcome.run_id)}


def _everything(session: ForkSession) -> set[tuple[str, str]]:
    """Every row that belongs to a workflow, by table and workflow. Those of recorded runs are left out."""
    database, found = session._engine.system_database, set[tuple[str, str]]()
    columns = {
        "workflow_status": "workflow_uuid",
        "operation_outputs": "workflow_uuid",
        "notifications": "destination_uuid",
        "workflow_events": "workflow_uuid",
        "workflow_events_history": "workflow_uuid",
        "streams": "workflow_uuid",
    }
    with database.engine.connect() as connection:
        for table, column in columns.items():
            query = sa.select(getattr(database.tables, table).c[column])
            owners = connection.execute(query).scalars()
            found |= {(table, owner) for owner in owners if not owner.startswith("case-")}
    return found


SYNC_OPERATIONS: dict[str, Callable[[], Any]] = {
    "step": lambda: desk.note("effect"),
    "async step": lambda: DBOS.run_step({"name": "inline"}, desk.write, "effect"),
    "child workflow": lambda: desk.child_sync("effect"),
    "start_workflow": lambda: DBOS.start_workflow(desk.child_sync, "effect"),
    "named workflow": lambda: _start_as("named"),
    "enqueue": lambda: DBOS.enqueue_workflow("anywhere", desk.child_sync, "effect"),
    "send": lambda: DBOS.send("somebody", "effect"),
    "recv": lambda: DBOS.recv("topic", timeout_seconds=0.05),
    "set_event": lambda: DBOS.set_event("key", "effect"),
    "get_event": lambda: DBOS.get_event("somebody", "key", timeout_seconds=0.05),
    "sleep": lambda: DBOS.sleep(0.05),
    "write_stream": lambda: DBOS.write_stream("stream", "effect"),
    "get_result": lambda: _result_now("somebody"),
    "cancel_workflow": lambda: DBOS.cancel_workflow("somebody"),
}


def _result_now(run_id: str) -> Any:
    handle: Any = DBOS.retrieve_workflow(run_id)
    return handle.get_result()


def _start_as(run_id: str) -> Any:
    with SetWorkflowID(run_id):
        return DBOS.start_workflow(desk.child_sync, "effect")


@pytest.mark.parametrize("name", SYNC_OPERATIONS)
def test_any_synchronous_operation_at_the_fork_point_is_stale_and_has_no_effect(
    name: str, runs: dict[str, Run], session: ForkSession, server: ModelServer, ledger: Path
) -> None:
    def body(plot: str) -> Any:
        SYNC_OPERATIONS[name]()
        return DBOSRunner.run_sync(desk.clerk, plot).final_output

    desk.plots["run_sync"] = body
    before = _everything(session)
    outcome = measure(session, case_of(runs["run_sync"], 1), 2)
    assert outcome.status is ForkStatus.STALE, outcome.reason
    _settle(session)
    assert server.count == 0
    assert not ledger.exists()
    assert _everything(session) - before == {("workflow_status", outcome.run_id)}


def test_tasks_that_outlive_their_workflow_run_neither_steps_nor_workflows(
    forked: Forked, ledger: Path
) -> None:
    ended: list[BaseException | None] = []

    async def later(operation: Callable[[], Any]) -> None:
        await asyncio.sleep(0.5)
        try:
            made = operation()
            await made if asyncio.iscoroutine(made) else None
        except BaseException as error:
            ended.append(error)
        else:
            ended.append(None)

    async def leaves_tasks(name: str) -> Any:
        for operation in (
            lambda: desk.note("left"),
            lambda: desk.note_async("left"),
            lambda: desk.child("left"),
            lambda: DBOS.start_workflow_async(desk.child, "left"),
        ):
            asyncio.get_running_loop().create_task(later(operation))
        return await plots.ask(desk.clerk, name)

    forked(leaves_tasks)
    until = time.monotonic() + 5
    while len(ended) < 4 and time.monotonic() < until:
        time.sleep(0.05)
    assert len(ended) == 4
    assert None not in ended
    assert not ledger.exists()


def test_a_patch_that_is_newer_than_the_run_takes_the_old_path(forked: Forked) -> None:
    async def body(name: str) -> Any:
        if await DBOS.patch_async("newer"):
            desk.note("new path")
        return await plots.ask(desk.clerk, name)

    forked(body)


def test_a_session_starts_no_workflow_but_its_forks(session: ForkSession, ledger: Path) -> None:
    from refork.errors import SessionError

    with pytest.raises(SessionError, match="an evaluation starts none of its own"):
        DBOS.start_workflow(desk.child_sync, "beside")
    assert not ledger.exists()


def test_a_step_recorded_without_its_child_starts_none(
    runs: dict[str, Run], session: ForkSession, server: ModelServer, ledger: Path
) -> None:
    """A case file may say what no DBOS ever recorded."""
    import dataclasses

    run = runs["children_before"]
    steps = tuple(dataclasses.replace(step, child_run=None) for step in run.steps)
    fork = session.fork(case_of(dataclasses.replace(run, id="damaged", steps=steps)))
    fork.run(current(), 1)
    fork.wait(3)
    _settle(session)
    assert server.count == 0
    assert not ledger.exists()
    assert fork.outcome().status is not ForkStatus.MEASURED
