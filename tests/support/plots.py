"""Workflows of the helpdesk for the tests of forks, and their recording: real runs of a plain DBOS."""

import asyncio
import json
import os
import pickle
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import agents.models.openai_provider as sdk_provider
from agents import (
    Agent,
    GuardrailFunctionOutput,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    input_guardrail,
)
from dbos import DBOS, SetWorkflowID
from dbos_openai_agents import DBOSRunner
from openai import AsyncOpenAI
from pydantic import BaseModel
from refork.dbos.reader.reader import Reader
from refork.production.sqlite_clock import install_sqlite_clock
from refork.records import Run
from refork.values import DEFAULT

from support.apps import helpdesk as desk
from support.model_server import Call, ModelServer, Received, Reply

Story = Callable[[Received], Reply | str]
DEFAULT.register(desk.Ticket)

patience = 30.0
"""Seconds that the plots with a time-out wait for their model: enough when they are recorded."""


def echo(request: Received) -> str:
    """An answer that says what was asked, and is never given twice."""
    body = request.body
    return json.dumps(
        {
            "prompt": request.instructions,
            "model": request.model,
            "temperature": body.get("temperature"),
            "tools": sorted(request.tools),
            "number": request.number,
        }
    )


def after(*turns: Reply) -> Story:
    """Answers turn by turn, then an echo."""
    return lambda request: turns[request.turn] if request.turn < len(turns) else echo(request)


LOOK_UP = Reply(calls=(Call("look_up", {"customer": "Ann"}),))
PARALLEL = Reply(
    calls=(
        Call("look_up", {"customer": "Ann"}),
        Call("refund", {"amount": 5}),
        Call("look_up", {"customer": "Bob"}),
    )
)
HAND_OVER = Reply(calls=(Call("transfer_to_closer"),))


class Summary(BaseModel):
    sentence: str
    score: int


@dataclass
class Plot:
    """A workflow's body, what the model answers to it, and what is expected at its last model call."""

    body: Callable[..., Any]
    story: Story = echo
    workflow: str = "chat"
    agent: str = "Clerk"
    kwargs: dict[str, Any] = field(default_factory=dict[str, Any])

    def args(self, name: str) -> tuple[str, ...]:
        return (name, name) if self.workflow.startswith("chat") else (name,)


PLOTS: dict[str, Plot] = {}


def plot(**settings: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(body: Callable[..., Any]) -> Callable[..., Any]:
        PLOTS[body.__name__] = Plot(body, **settings)
        return body

    return add


async def ask(agent: Agent[Any], name: str, **settings: Any) -> Any:
    return (await DBOSRunner.run(agent, name, **settings)).final_output


@plot()
async def one_call(name: str) -> Any:
    return await ask(desk.clerk, name)


@plot(story=after(LOOK_UP))
async def a_tool_before(name: str) -> Any:
    return await ask(desk.clerk, name)


@plot(story=after(PARALLEL))
async def parallel_tools_before(name: str) -> Any:
    return await ask(desk.clerk, name)


@plot(story=after(LOOK_UP, HAND_OVER), agent="Closer")
async def a_handoff_before(name: str) -> Any:
    return await ask(desk.clerk, name)


@plot(story=after(LOOK_UP), workflow="chat_sync")
def a_loop_of_its_own(name: str) -> Any:
    """Synchronous code that runs its agent with asyncio, and a client of its own."""

    async def run() -> Any:
        async with AsyncOpenAI() as client:
            return await ask(desk.clerk.clone(model=OpenAIChatCompletionsModel("small", client)), name)

    return asyncio.run(run())


@plot(story=after(LOOK_UP), workflow="chat_sync")
def run_sync(name: str) -> Any:
    return DBOSRunner.run_sync(desk.clerk, name).final_output


@plot(story=after(LOOK_UP))
async def a_model_instance(name: str) -> Any:
    async with AsyncOpenAI() as client:
        model = OpenAIChatCompletionsModel("small", client)
        return await ask(desk.clerk.clone(model=model), name)


@plot(story=after(LOOK_UP))
async def the_responses_api(name: str) -> Any:
    async with AsyncOpenAI() as client:
        return await ask(desk.clerk.clone(model=OpenAIResponsesModel("small", client)), name)


def rated(_request: Received) -> str:
    return '{"sentence": "Fell.", "score": 3}'


@plot(story=rated, agent="Rater")
async def structured_output(name: str) -> Any:
    rater = Agent(name="Rater", instructions="Rate it.", model="small", output_type=Summary)
    return (await ask(rater, name)).model_dump()


@plot(story=after(Reply(calls=(Call("ask_expert", {"input": "expert_inside"}),))))
async def an_agent_as_tool_before(name: str) -> Any:
    expert = Agent(name="Expert", instructions="You know.", model="small", tools=[desk.look_up])
    tool = expert.as_tool("ask_expert", "Ask the expert.")
    return await ask(desk.clerk.clone(tools=[tool], handoffs=[]), name)


@plot(story=after(LOOK_UP))
async def an_input_guardrail(name: str) -> Any:
    @input_guardrail
    async def harmless(_context: Any, _agent: Any, _input: Any) -> GuardrailFunctionOutput:
        await desk.note_async("guardrail")
        await asyncio.sleep(0.01)
        return GuardrailFunctionOutput(output_info=None, tripwire_triggered=False)

    return await ask(desk.clerk.clone(input_guardrails=[harmless]), name)


@plot()
async def a_timeout_shorter_than_the_trials(name: str) -> Any:
    return await ask(desk.clerk.clone(model_settings=ModelSettings(temperature=0.5, timeout=patience)), name)


@plot()
async def a_timeout_of_the_users(name: str) -> Any:
    return await asyncio.wait_for(ask(desk.clerk, name), patience)


@plot(story=after(LOOK_UP))
async def children_before(name: str) -> Any:
    called = await desk.child("called")
    started = await DBOS.start_workflow_async(desk.child, "started")
    return [called, await started.get_result(), await ask(desk.clerk, name)]


@plot(story=after(LOOK_UP), workflow="chat_sync")
def children_before_in_sync_code(name: str) -> Any:
    called = desk.child_sync("called")
    started = DBOS.start_workflow(desk.child_sync, "started")
    return [called, started.get_result(), DBOSRunner.run_sync(desk.clerk, name).final_output]


@plot()
async def messages_events_and_sleep_before(name: str) -> Any:
    await DBOS.sleep_async(0.01)
    own = DBOS.workflow_id
    assert own is not None
    await DBOS.send_async(own, "hello", "greeting")
    said = [await DBOS.recv_async("greeting"), await DBOS.recv_async("nothing", timeout_seconds=0.01)]
    await DBOS.set_event_async("mood", {"good": True})
    await DBOS.write_stream_async("lines", 1)
    await DBOS.write_stream_async("lines", 2)
    await DBOS.close_stream_async("lines")
    new = await DBOS.patch_async("a-patch")
    return [said, new, await ask(desk.clerk, name)]


@plot()
async def a_failed_step_before(name: str) -> Any:
    try:
        desk.fail("no stock")
    except ValueError as error:
        return await ask(desk.clerk.clone(instructions=f"Apologise: {error}"), name)


@plot()
async def two_runs_in_one_workflow(name: str) -> Any:
    first = await ask(desk.clerk, name)
    return [first, await ask(desk.closer, name)]


PLOTS["two_runs_in_one_workflow"].agent = "Closer"


@plot()
async def two_agents_side_by_side(name: str) -> Any:
    return await asyncio.gather(ask(desk.clerk, name), ask(desk.closer, name))


@plot()
async def chance_and_time_in_steps(name: str) -> Any:
    drawn = await DBOS.run_step_async({"name": "draw"}, lambda: [str(uuid.uuid4()), random.random()])
    return await ask(desk.clerk.clone(instructions=f"Your number is {drawn[0]}."), name)


@plot(workflow="Office.serve")
async def a_static_method(name: str) -> Any:
    return await ask(desk.clerk, name)


@plot(workflow="Office.serve_all")
async def a_class_method(name: str) -> Any:
    return await ask(desk.clerk, name)


@plot(workflow="Desk.serve")
async def a_configured_instance(name: str) -> Any:
    return await ask(desk.clerk.clone(instructions=f"You are at the {desk.front_desk.name} desk."), name)


@plot(kwargs={"ticket": desk.Ticket(customer="Ann", text="broken"), "times": 2})
async def keywords_and_a_model(name: str, *, ticket: Any, times: int) -> Any:
    return await ask(desk.clerk.clone(instructions=f"{ticket.customer} says {ticket.text} {times}x."), name)


REFUND = Reply(calls=(Call("refund", {"amount": 5}),))
REFUND_MORE = Reply(calls=(Call("refund", {"amount": 500}),))


def generous_when_careful(request: Received) -> Reply | str:
    """Looks up and pays back as recorded; with ``Careful!`` in its prompt it pays back what nobody recorded."""
    careful = "Careful!" in (request.instructions or "")
    return after(LOOK_UP, REFUND_MORE if careful else REFUND)(request)


@plot(story=generous_when_careful)
async def a_long_run(name: str) -> Any:
    await desk.note_async("before")
    said = await ask(desk.clerk, name)
    return {"said": said, "noted": desk.note("after")}


JOT, JOT_AGAIN = (Reply(calls=(Call("jot", {"text": text}),)) for text in ("one", "two"))


@plot(story=after(JOT, LOOK_UP, JOT_AGAIN))
async def tools_that_are_no_steps(name: str) -> Any:
    return await ask(desk.clerk.clone(tools=[desk.jot, desk.look_up]), name)


@plot(story=generous_when_careful)
async def a_step_given_its_workflows_id(name: str) -> Any:
    said = await ask(desk.clerk, name)
    return [said, desk.note(f"ticket of {DBOS.workflow_id}")]


@plot(story=generous_when_careful)
async def effects_after(name: str) -> Any:
    said = await ask(desk.clerk, name)
    called = await desk.child("called")
    started = await DBOS.start_workflow_async(desk.child, "started")
    await DBOS.sleep_async(0.01)
    own = DBOS.workflow_id
    assert own is not None
    await DBOS.send_async(own, "hello", "greeting")
    heard = await DBOS.recv_async("greeting")
    await DBOS.set_event_async("mood", {"good": True})
    mood = await DBOS.get_event_async(own, "mood")
    await DBOS.write_stream_async("lines", 1)
    await DBOS.close_stream_async("lines")
    new = await DBOS.patch_async("a-patch")
    return [said, called, await started.get_result(), heard, mood, new]


@plot(story=generous_when_careful, workflow="chat_sync")
def effects_after_in_sync_code(name: str) -> Any:
    said = DBOSRunner.run_sync(desk.clerk, name).final_output
    called = desk.child_sync("called")
    started = DBOS.start_workflow(desk.child_sync, "started")
    DBOS.sleep(0.01)
    own = DBOS.workflow_id
    assert own is not None
    DBOS.send(own, "hello", "greeting")
    heard = DBOS.recv("greeting")
    DBOS.set_event("mood", {"good": True})
    DBOS.write_stream("lines", 1)
    return [said, called, started.get_result(), heard, DBOS.get_event(own, "mood"), desk.note("end")]


TURNS = desk.TURNS


@plot()
async def a_chat(name: str) -> Any:
    own = DBOS.workflow_id
    assert own is not None
    for turn in TURNS:
        await DBOS.send_async(own, turn, "user")
    said = [await ask(desk.clerk, name)]
    while (heard := await DBOS.recv_async("user", timeout_seconds=0.05)) is not None:
        said.append(await ask(desk.clerk, heard))
    return said


@plot(workflow="chat_sync")
def a_chat_in_sync_code(name: str) -> Any:
    own = DBOS.workflow_id
    assert own is not None
    for turn in TURNS:
        DBOS.send(own, turn, "user")
    said = [DBOSRunner.run_sync(desk.clerk, name).final_output]
    while (heard := DBOS.recv("user", timeout_seconds=0.05)) is not None:
        said.append(DBOSRunner.run_sync(desk.clerk, heard).final_output)
    return said


@plot()
async def an_interview(name: str) -> Any:
    said = [await ask(desk.clerk, name)]
    for turn in range(len(TURNS)):
        said.append(await ask(desk.clerk, desk.ask_user(said[-1], turn)))
    return said


@plot()
async def an_interview_in_async_code(name: str) -> Any:
    said = [await ask(desk.clerk, name)]
    for turn in range(len(TURNS)):
        said.append(await ask(desk.clerk, await desk.ask_user_async(said[-1], turn)))
    return said


@plot(workflow="chat_sync")
def an_interview_in_sync_code(name: str) -> Any:
    said = [DBOSRunner.run_sync(desk.clerk, name).final_output]
    for turn in range(len(TURNS)):
        said.append(DBOSRunner.run_sync(desk.clerk, desk.ask_user(said[-1], turn)).final_output)
    return said


def _asks(*questions: str) -> Story:
    return after(*(Reply(calls=(Call("ask_customer", {"question": each}),)) for each in questions))


@plot(story=_asks("Which month?", "Which year?"), agent="Asker")
async def an_interview_by_a_tool(name: str) -> Any:
    return await ask(desk.asker, name)


def answer(request: Received) -> Reply | str:
    """What the model says to the plot that the user's message names."""
    return PLOTS[request.user].story(request) if request.user in PLOTS else echo(request)


def as_recorded() -> None:
    """Let every workflow do what it did when it was recorded."""
    desk.plots.clear()
    desk.plots.update({name: each.body for name, each in PLOTS.items()})


def record(database: Path) -> dict[str, Run]:
    as_recorded()
    install_sqlite_clock()
    DBOS(
        config={
            "name": "helpdesk",
            "system_database_url": f"sqlite:///{database}",
            "enable_otlp": False,
            "notification_listener_polling_interval_sec": 0.02,
            "log_level": "ERROR",
        }
    )
    DBOS.launch()
    for name, each in PLOTS.items():
        sdk_provider._http_client = None  # it would be shared by event loops
        with SetWorkflowID(name):
            DBOS.start_workflow(_workflow(each), *each.args(name), **each.kwargs).get_result()
    DBOS.destroy()
    with Reader(f"sqlite:///{database}") as reader:
        return {name: reader.run(name) for name in PLOTS}


def _workflow(each: Plot) -> Callable[..., Any]:
    named: dict[str, Callable[..., Any]] = {
        "chat": desk.chat,
        "chat_sync": desk.chat_sync,
        "Office.serve": desk.Office.serve,
        "Office.serve_all": desk.Office.serve_all,
        "Desk.serve": desk.front_desk.serve,
    }
    return named[each.workflow]


def record_into(database: str, out: str) -> None:
    """Run every plot once with a DBOS on the SQLite file ``database``, and pickle the runs into ``out``."""
    with ModelServer(answer) as server:
        os.environ["OPENAI_BASE_URL"] = server.url
        Path(out).write_bytes(pickle.dumps(record(Path(database))))
