"""Today's code does not reach the fork point any more: nothing runs, and the verdict says what happened."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, function_tool
from dbos import DBOS
from dbos_openai_agents import DBOSRunner
from refork.errors import ApplicationError
from refork.fork import ForkSession
from refork.records import Run
from refork.records.outcome import ForkStatus, Outcome
from support import plots
from support.apps import helpdesk as desk
from support.forks import case_of, measure
from support.model_server import ModelServer

WHAT_TO_DO = "if it was, capture a run made with the code as it is now"


@function_tool
@DBOS.step(name="find_account")
def look_up_renamed(customer: str) -> str:
    desk.write(f"find_account {customer}")
    return "found"


@pytest.fixture
def forked(
    runs: dict[str, Run], session: ForkSession, server: ModelServer, ledger: Path
) -> Callable[..., Outcome]:
    """Fork a run, and make sure that nothing ran."""

    def fork(name: str, step: int | None = None, agent: str | None = None) -> Outcome:
        outcome = measure(session, case_of(runs[name], step, agent=agent), 2)
        assert server.count == 0
        assert not ledger.exists()
        assert outcome.trials == ()
        return outcome

    return fork


def today(name: str, body: Callable[[str], Awaitable[Any]] | Callable[[str], Any]) -> None:
    desk.plots[name] = body


def assert_stale(outcome: Outcome, *parts: str) -> None:
    assert outcome.status is ForkStatus.STALE
    for part in (*parts, WHAT_TO_DO):
        assert part in outcome.reason
    assert "\n" not in outcome.reason


def test_a_renamed_tool_is_stale_although_the_sdk_swallows_what_tools_raise(
    forked: Callable[..., Outcome],
) -> None:
    renamed = desk.clerk.clone(tools=[_named("look_up", look_up_renamed)])
    today("a_tool_before", lambda name: plots.ask(renamed, name))
    assert_stale(
        forked("a_tool_before"),
        "step 2 was 'look_up' when the run was recorded, the code reached 'find_account' there",
        "step 3 ('_model_call_step')",
        "nothing of it has run",
    )


def _named(name: str, tool: Any) -> Any:
    import dataclasses

    return dataclasses.replace(tool, name=name)


def test_an_inserted_step_is_stale(forked: Callable[..., Outcome]) -> None:
    async def body(name: str) -> Any:
        desk.note("inserted")
        return await plots.ask(desk.clerk, name)

    today("a_tool_before", body)
    assert_stale(forked("a_tool_before"), "step 1 was '_model_call_step'", "the code reached 'note' there")


def test_a_step_inserted_at_the_fork_point_is_stale_and_does_not_run(forked: Callable[..., Outcome]) -> None:
    async def body(name: str) -> Any:
        await desk.note_async("inserted")
        return await plots.ask(desk.clerk, name)

    today("one_call", body)
    assert_stale(forked("one_call"), "step 1 was '_model_call_step'", "the code reached 'note_async' there")


def test_a_removed_step_is_stale(forked: Callable[..., Outcome]) -> None:
    today("a_failed_step_before", lambda name: plots.ask(desk.clerk, name))
    assert_stale(
        forked("a_failed_step_before"), "step 1 was 'fail'", "the code reached '_model_call_step' there"
    )


def test_reordered_steps_are_stale(forked: Callable[..., Outcome]) -> None:
    async def body(name: str) -> Any:
        await DBOS.send_async(str(DBOS.workflow_id), "hello", "greeting")
        await DBOS.sleep_async(0.01)
        return await plots.ask(desk.clerk, name)

    today("messages_events_and_sleep_before", body)
    assert_stale(
        forked("messages_events_and_sleep_before"),
        "step 1 was 'DBOS.sleep'",
        "the code reached 'DBOS.send' there",
    )


def test_another_agent_at_the_fork_point_is_stale(forked: Callable[..., Outcome]) -> None:
    today("one_call", lambda name: plots.ask(desk.closer, name))
    assert_stale(
        forked("one_call", agent="Clerk"), "it was a call of agent 'Clerk'", "calls agent 'Closer' there"
    )


def test_a_workflow_that_returns_early_is_stale(forked: Callable[..., Outcome]) -> None:
    async def body(name: str) -> Any:
        return "nothing to do"

    today("one_call", body)
    assert_stale(forked("one_call"), "no longer reaches step 1 ('_model_call_step')", "it returned before")


def test_a_workflow_that_raises_early_is_stale_with_its_error_as_the_reason(
    forked: Callable[..., Outcome],
) -> None:
    async def body(name: str) -> Any:
        raise LookupError("no such\ncustomer")

    today("one_call", body)
    assert_stale(forked("one_call"), "it raised LookupError: no such customer before")


@pytest.mark.parametrize("name", ["a_static_method", "a_configured_instance", "run_sync"])
def test_any_kind_of_workflow_can_be_stale(name: str, forked: Callable[..., Outcome]) -> None:
    async def body(_name: str) -> Any:
        return await desk.note_async("new")

    def body_sync(_name: str) -> Any:
        return desk.note("new")

    today(name, body_sync if name == "run_sync" else body)
    assert_stale(forked(name), "step 1 was '_model_call_step'")


def test_scheduled_and_later_trials_of_a_stale_fork_get_the_reason(
    runs: dict[str, Run], session: ForkSession, server: ModelServer, ledger: Path
) -> None:
    async def body(name: str) -> Any:
        return desk.note("new")

    today("one_call", body)
    fork = session.fork(case_of(runs["one_call"]))
    planned = fork.run(plots_current(), 2)
    assert fork.wait(10)
    late = fork.run(plots_current(), 1)
    errors = [future.exception(5) for future in [*planned, *late]]
    assert {str(error) for error in errors} == {fork.outcome().reason}
    assert not ledger.exists()


def plots_current() -> Any:
    from refork.records.variant import current

    return current()


def test_a_renamed_workflow_is_refused_with_the_names_that_are_registered(
    runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    renamed = replace(runs["one_call"], workflow="talk")
    said = r"registers no workflow 'talk' \(registered: .*'chat'.*\); name the module that does in \[tool.refork\] app"
    with pytest.raises(ApplicationError, match=said + r" of '.*pyproject\.toml' \(imported: '[\w.]+'"):
        session.fork(case_of(renamed))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"config_name": "back"},
            r"configured instance 'back' of '.*Desk', .* \(made: 'front'\); make it in",
        ),
        (
            {"config_name": None, "class_name": "Kitchen"},
            "of the class 'Kitchen', which the application does not",
        ),
    ],
)
def test_a_run_of_an_object_that_the_application_does_not_make_is_refused_at_once(
    runs: dict[str, Run], session: ForkSession, server: ModelServer, change: dict[str, str | None], said: str
) -> None:
    served = next(run for run in runs.values() if run.config_name == "front")
    with pytest.raises(ApplicationError, match=said):
        session.fork(case_of(replace(served, **change)))  # type: ignore[arg-type]


def test_agents_with_another_name_than_the_folder_are_reported(forked: Callable[..., Outcome]) -> None:
    other = Agent(name="Clerk 2", instructions="Help.", model="small")
    today("one_call", lambda name: DBOSRunner.run(other, name))
    assert_stale(forked("one_call", agent="Clerk"), "'Clerk 2'")
