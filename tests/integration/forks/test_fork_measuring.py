"""A case under several variants: what was called, what was sent, and which answer is whose."""

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest
from agents import Runner
from refork.fork import ForkSession
from refork.records import Run, ToolCall
from refork.records.outcome import ForkStatus, Trial
from refork.records.usage import Usage
from refork.records.variant import Variant, current
from support import plots
from support.apps import helpdesk
from support.forks import CAREFUL, case_of, measure, text_of
from support.model_server import ModelServer
from support.plots import PLOTS


@pytest.mark.parametrize("name", [name for name in PLOTS if name != "tools_that_are_no_steps"])
def test_each_variant_gets_its_own_answers_and_nothing_else_runs(
    name: str,
    runs: dict[str, Run],
    session: ForkSession,
    server: ModelServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert runs[name].status == "SUCCESS", runs[name].error
    monkeypatch.setattr(plots, "patience", 0.5)
    server.latency = 0.3 if "timeout" in name else 0.02
    case = case_of(runs[name], agent=PLOTS[name].agent)
    outcome = measure(session, case, {"current": 9, "careful": 4}, CAREFUL)
    assert (outcome.status, outcome.reason) == (ForkStatus.MEASURED, "")
    assert server.count == 13
    assert not helpdesk.ledger_file().exists()
    prompt = outcome.requests["current"].prompt or ""
    assert outcome.requests["careful"].prompt == f"Careful! {prompt}"
    assert [(trial.variant, trial.number) for trial in outcome.trials] == [
        *(("careful", number) for number in range(1, 5)),
        *(("current", number) for number in range(1, 10)),
    ]
    if name != "structured_output":
        said = [(trial.variant, json.loads(text_of(trial))) for trial in outcome.trials]
        assert all(answer["prompt"] == outcome.requests[variant].prompt for variant, answer in said)
        assert len({answer["number"] for _, answer in said}) == 13


def test_the_request_in_the_outcome_is_what_the_server_received(
    runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    outcome = measure(session, case_of(runs["parallel_tools_before"], agent="Clerk"), 1)
    request, received = outcome.requests["current"], server.requests[0]
    assert (request.agent, request.model, request.prompt) == ("Clerk", "small", "Help the customer.")
    assert [tool.name for tool in request.tools] == received.tools
    assert {tool.name: tool.parameters for tool in request.tools} == {
        tool["function"]["name"]: tool["function"].get("parameters") or {} for tool in received.body["tools"]
    }
    assert request.settings["temperature"] == received.body["temperature"] == 0.5
    assert [item["type"] for item in request.input[1:]] == ["function_call"] * 3 + [
        "function_call_output"
    ] * 3
    assert received.results == ["account of Ann", "refunded 5", "account of Bob"]


def test_the_schema_of_a_structured_answer_is_in_the_outcome_and_the_answer_is_parsed(
    runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    outcome = measure(session, case_of(runs["structured_output"]), 1)
    schema = outcome.requests["current"].output_schema
    assert schema == server.requests[0].body["response_format"]["json_schema"]["schema"]
    assert outcome.trials[0].answer is not None
    assert outcome.trials[0].answer.structured == {"sentence": "Fell.", "score": 3}


def test_a_variant_changes_the_prompt_model_and_settings_and_nothing_else(
    runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    variant = Variant(
        name="big",
        template="{{ agent }} on {{ model }}",
        model="large",
        settings={"temperature": 0.1, "top_p": 0.9},
    )
    outcome = measure(session, case_of(runs["a_tool_before"]), 1, variant)
    by_model = {request.model: request for request in server.requests}
    current, big = by_model["small"].body, by_model["large"].body
    assert by_model["large"].instructions == "Clerk on small"
    assert (big.pop("temperature"), big.pop("top_p"), big.pop("model")) == (0.1, 0.9, "large")
    del current["temperature"], current["model"]
    assert big.pop("messages")[1:] == current.pop("messages")[1:]
    assert big == current
    assert outcome.requests["big"].model == "large"
    assert {trial.variant: trial.model for trial in outcome.trials} == {"current": "small", "big": "large"}


@pytest.mark.parametrize("point", [(1, "Clerk", 0), (3, "Clerk", 1), (4, "Closer", 2)])
def test_any_model_step_can_be_the_fork_point(
    point: tuple[int, str, int], runs: dict[str, Run], session: ForkSession, server: ModelServer, ledger: Path
) -> None:
    step, agent, received = point
    outcome = measure(session, case_of(runs["a_handoff_before"], step, agent=agent), 2)
    assert (outcome.status, server.count) == (ForkStatus.MEASURED, 2)
    assert {request.turn for request in server.requests} == {received}
    assert not ledger.exists()


def test_tool_calls_are_in_the_answer_and_are_not_made(
    runs: dict[str, Run], session: ForkSession, server: ModelServer, ledger: Path
) -> None:
    outcome = measure(session, case_of(runs["parallel_tools_before"], 1), 3)
    assert outcome.trials[0].answer is not None
    assert outcome.trials[0].answer.tool_calls == (
        ToolCall(name="look_up", arguments={"customer": "Ann"}),
        ToolCall(name="refund", arguments={"amount": 5}),
        ToolCall(name="look_up", arguments={"customer": "Bob"}),
    )
    assert server.count == 3
    assert not ledger.exists()


def test_more_trials_can_be_planned_while_the_fork_is_open(
    runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    fork = session.fork(case_of(runs["one_call"]))
    first = [future.result(10) for future in fork.run(current(), 2)]
    second = [future.result(10) for future in fork.run(current(), 3)]
    assert [trial.number for trial in first + second] == [1, 2, 3, 4, 5]
    assert not fork.wait(0)
    fork.close()
    assert fork.wait(5)
    assert server.count == 5


def test_each_trial_is_reported_once_at_its_end_with_its_tokens_and_its_own_time(
    runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    server.latency = 0.1
    told: list[Trial] = []
    fork = session.fork(case_of(runs["one_call"]), on_trial=told.append)
    futures = fork.run(current(), 20)  # eight at once, so the last ones wait for their turn
    trials = [future.result(10) for future in futures]
    fork.close()
    assert sorted(trial.number for trial in told) == list(range(1, 21))
    assert {trial.usage for trial in trials} == {Usage(calls=1, input_tokens=100, output_tokens=10)}
    assert all(trial.seconds >= 0.1 for trial in trials)
    last = trials[16:]  # which waited for two rounds of calls before their own
    assert min(trial.seconds for trial in last) < 0.25


def test_a_trial_that_is_taken_back_before_it_began_is_not_run(
    runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    fork = session.fork(case_of(runs["one_call"]))
    with server.held():
        futures = fork.run(current(), 10)
        server.wait_for(8)
        assert [future.cancel() for future in futures] == [False] * 8 + [True] * 2
    fork.close()
    assert fork.wait(5)
    assert [trial.number for trial in fork.outcome().trials] == list(range(1, 9))
    assert server.count == 8


def test_a_closed_fork_takes_no_trials_and_nobody_waits_for_them(
    runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    fork = session.fork(case_of(runs["one_call"]))
    fork.close()
    late = fork.run(current(), 2)
    assert all(future.cancelled() for future in late)
    assert fork.wait(5)
    assert server.count == 0


def test_a_whole_run_is_replayed_with_every_request_and_without_a_call(
    runs: dict[str, Run], session: ForkSession, server: ModelServer, ledger: Path
) -> None:
    replay = session.replay(runs["a_handoff_before"])
    assert replay.problem is None
    model_steps = [step for step in replay.run.steps if step.request is not None]
    assert [(step.number, step.agent, step.model) for step in model_steps] == [
        (1, "Clerk", "small"),
        (3, "Clerk", "small"),
        (4, "Closer", "small"),
    ]
    assert server.count == 0
    assert not ledger.exists()


def test_a_replay_says_where_todays_code_leaves_the_recorded_run(
    runs: dict[str, Run], session: ForkSession, server: ModelServer, ledger: Path
) -> None:
    async def today(name: str) -> Any:
        await plots.ask(helpdesk.clerk, name)
        helpdesk.note("new")

    helpdesk.plots["a_handoff_before"] = today
    replay = session.replay(runs["a_handoff_before"])
    assert replay.problem == "step 5, 'note' in today's code, was not recorded"
    assert [step.agent for step in replay.run.steps if step.request] == ["Clerk", "Clerk", "Closer"]
    assert not ledger.exists()


def test_a_model_call_that_no_step_records_is_an_error_and_is_not_made(
    runs: dict[str, Run], session: ForkSession, server: ModelServer, ledger: Path
) -> None:
    async def today(name: str) -> Any:
        await Runner.run(helpdesk.closer, "no step records this")
        return await plots.ask(helpdesk.clerk, name)

    helpdesk.plots["one_call"] = today
    outcome = measure(session, case_of(runs["one_call"]), 3)
    assert outcome.status is ForkStatus.ERROR
    assert "the model of agent 'Closer' outside of every DBOS step" in outcome.reason
    assert server.count == 0


def test_parallel_tools_replay_in_the_recorded_order_whatever_thread_is_first(
    runs: dict[str, Run], session: ForkSession, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A synchronous tool draws the number of its step in a thread, which may be late."""
    real = asyncio.to_thread

    async def late(function: Any, *args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(random.random() / 50)
        return await real(function, *args, **kwargs)

    monkeypatch.setattr(asyncio, "to_thread", late)
    for _ in range(5):
        outcome = measure(session, case_of(runs["parallel_tools_before"]), 1)
        assert outcome.status is ForkStatus.MEASURED, outcome.reason
    assert all(
        request.results == ["account of Ann", "refunded 5", "account of Bob"] for request in server.requests
    )
