"""Agents of every shape: workflows of the helpdesk, recorded with every request that their models really got."""

import asyncio
import json
import os
import pickle
import sqlite3
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import agents.models.openai_provider as sdk_provider
from agents import (
    Agent,
    AgentOutputSchema,
    GuardrailFunctionOutput,
    InputGuardrailTripwireTriggered,
    MaxTurnsExceeded,
    Model,
    ModelResponse,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    RunContextWrapper,
    SQLiteSession,
    Usage,
    function_tool,
    handoff,
    input_guardrail,
    output_guardrail,
)
from agents.extensions.handoff_filters import remove_all_tools
from agents.mcp import MCPServerStdio, MCPServerStreamableHttp
from dbos import DBOS, SetWorkflowID
from dbos_openai_agents import DBOSRunner
from openai import AsyncOpenAI
from openai.types.responses import ResponseOutputMessage
from pydantic import BaseModel
from refork.dbos.reader.reader import Reader
from refork.production.sqlite_clock import install_sqlite_clock
from refork.records import Run

from support.apps import helpdesk as desk
from support.model_server import Call, ModelServer, Received, Reply
from support.plots import JOT, LOOK_UP, PARALLEL, Plot, ask, echo

SHAPES: dict[str, Plot] = {}
MCP_SERVER: Final = Path(__file__).parent / "mcp_server.py"
SESSIONS: Final = "HELPDESK_SESSIONS"
MCP_URL: Final = "HELPDESK_MCP_URL"


Body = Callable[[str], Coroutine[Any, Any, Any]]


def shape(*turns: Reply | str, **by_agent: tuple[Reply | str, ...]) -> Callable[[Body], Body]:
    """A workflow's body, and what the model answers by the first word of the instructions that it gets.

    ``turns`` are the answers to the instructions that ``by_agent`` does not name.
    """

    def story(request: Received) -> Reply | str:
        if "slow" in request.instructions:
            time.sleep(0.08)
        mine = by_agent.get((request.instructions or "-").split()[-1].strip("."), turns)
        said = mine[request.turn] if request.turn < len(mine) else ""
        offered = isinstance(said, str) or {call.name for call in said.calls} <= set(request.tools)
        return said if said and offered else echo(request)

    def add(body: Body) -> Body:
        SHAPES[body.__name__] = Plot(body, story=story)
        return body

    return add


def calls(*made: tuple[str, dict[str, Any]]) -> Reply:
    return Reply(calls=tuple(Call(name, arguments) for name, arguments in made))


def agent(name: str, **settings: Any) -> Agent[Any]:
    """An agent whose instructions end with its name."""
    given: dict[str, Any] = {"instructions": f"You are {name}.", "model": "small", **settings}
    return Agent(name=name, **given)


def answer(request: Received) -> Reply | str:
    """What the model says: the shape is named by the user's first message, and by what is handed on."""
    users = [str(item.get("content")) for item in request.items if item.get("role") == "user"]
    named = [name for user in users for name in SHAPES if name == user.split(":")[0]]
    return SHAPES[named[-1] if named else "agents_as_tools"].story(request)


MAIL = calls(("send_mail", {"to": "Ann"}))


@shape(LOOK_UP, calls(("transfer_to_second", {})), second=("", "", MAIL))
async def handoffs(name: str) -> Any:
    second = agent("second", tools=[desk.send_mail])
    first = agent("first", tools=[desk.look_up], handoffs=[second])
    return [await ask(first, name), await ask(agent("third"), name)]


@shape(LOOK_UP, calls(("transfer_to_second", {"reason": "hard"})), second=(MAIL,))
async def a_handoff_with_input_and_filter(name: str) -> Any:
    class Why(BaseModel):
        reason: str

    async def note(_context: Any, why: Why) -> None:
        await desk.note_async(why.reason)

    second = handoff(
        agent("second", tools=[desk.send_mail]),
        on_handoff=note,
        input_type=Why,
        input_filter=remove_all_tools,
    )
    return await ask(agent("first", tools=[desk.look_up], handoffs=[second]), name)


ASK_EXPERT = calls(("ask_expert", {"input": "inside: what?"}))


@shape(ASK_EXPERT, ASK_EXPERT, expert=(LOOK_UP,), fan=(PARALLEL,), jotter=(JOT,))
async def agents_as_tools(name: str) -> Any:
    expert = agent("expert", tools=[desk.look_up])
    outer = agent("outer", tools=[expert.as_tool("ask_expert", "Ask the expert."), desk.refund])
    return await ask(outer, name)


@shape(ASK_EXPERT)
async def parallel_tools_of_an_agent_as_tool(name: str) -> Any:
    fan = agent("fan", tools=[desk.look_up, desk.refund])
    return await ask(agent("outer", tools=[fan.as_tool("ask_expert", "Ask the expert.")]), name)


@shape(ASK_EXPERT)
async def a_tool_inside_that_is_no_step(name: str) -> Any:
    jotter = agent("jotter", tools=[desk.jot])
    return await ask(agent("outer", tools=[jotter.as_tool("ask_expert", "Ask the expert.")]), name)


@shape(PARALLEL, calls(("refund", {"amount": 1}), ("refund", {"amount": 1}), ("send_mail", {"to": "Ann"})))
async def parallel_tools(name: str) -> Any:
    return await ask(agent("one", tools=[desk.look_up, desk.refund, desk.send_mail]), name)


async def judged(name: str, said: str) -> GuardrailFunctionOutput:
    verdict = await ask(agent("judge", model_settings=ModelSettings(temperature=0.1)), f"{name}: {said[:10]}")
    return GuardrailFunctionOutput(output_info=verdict, tripwire_triggered="wicked" in verdict)


@shape(LOOK_UP)
async def guardrails_that_are_agents(name: str) -> Any:
    @input_guardrail(run_in_parallel=False)
    async def before(_context: Any, _agent: Any, given: Any) -> GuardrailFunctionOutput:
        return await judged(name, str(given))

    @output_guardrail
    async def after(_context: Any, _agent: Any, said: Any) -> GuardrailFunctionOutput:
        return await judged(name, "answer")

    guarded = agent("guarded", tools=[desk.look_up], input_guardrails=[before], output_guardrails=[after])
    return await ask(guarded, name)


@shape(LOOK_UP)
async def an_input_guardrail_beside_the_model(name: str) -> Any:
    @input_guardrail
    async def beside(_context: Any, _agent: Any, given: Any) -> GuardrailFunctionOutput:
        return await judged(name, str(given))

    return await ask(agent("guarded", tools=[desk.look_up], input_guardrails=[beside]), name)


@shape(LOOK_UP)
async def guardrails_that_are_functions(name: str) -> Any:
    @input_guardrail
    def before(_context: Any, _agent: Any, _given: Any) -> GuardrailFunctionOutput:
        return GuardrailFunctionOutput(output_info=None, tripwire_triggered=False)

    @output_guardrail
    async def after(_context: Any, _agent: Any, _said: Any) -> GuardrailFunctionOutput:
        await desk.note_async("output guardrail")
        return GuardrailFunctionOutput(output_info=None, tripwire_triggered=False)

    guarded = agent("guarded", tools=[desk.look_up], input_guardrails=[before], output_guardrails=[after])
    return [await ask(guarded, name), await ask(agent("next"), name)]


@shape(judge=("wicked",))
async def a_tripwire(name: str) -> Any:
    @input_guardrail(run_in_parallel=False)
    async def before(_context: Any, _agent: Any, given: Any) -> GuardrailFunctionOutput:
        return await judged(name, str(given))

    try:
        return await ask(agent("guarded", input_guardrails=[before]), name)
    except InputGuardrailTripwireTriggered as error:
        info = error.guardrail_result.output.output_info
        return await ask(agent("polite", instructions=f"Refuse, it was {info}. You are polite."), name)


TWICE = (LOOK_UP, calls(("refund", {"amount": 5})))


@shape(slow=TWICE, quick=TWICE)
async def agents_side_by_side(name: str) -> Any:
    slow = agent("slow", tools=[desk.look_up, desk.refund])
    quick = agent("quick", tools=[desk.look_up, desk.refund])
    said = await asyncio.gather(ask(slow, name), ask(quick, name))
    return await ask(agent("last"), f"{name}: {len(said)}")


@shape(guarded=TWICE, slow=TWICE)
async def a_guardrail_with_tools_beside_the_model(name: str) -> Any:
    @input_guardrail
    async def beside(_context: Any, _agent: Any, _given: Any) -> GuardrailFunctionOutput:
        verdict = await ask(agent("slow", tools=[desk.look_up, desk.refund]), name)
        return GuardrailFunctionOutput(output_info=verdict, tripwire_triggered=False)

    return await ask(agent("guarded", tools=[desk.look_up, desk.refund], input_guardrails=[beside]), name)


@function_tool
async def order(item: str) -> str:
    """A tool of several steps, the first of which takes longer for pens."""
    await DBOS.run_step_async({"name": "reserve"}, asyncio.sleep, 0.05 if item == "pens" else 0.0)
    noted = [await desk.note_async(f"{part} of {item}") for part in ("first", "second")]
    return f"{noted}"


@shape(calls(("order", {"item": "pens"}), ("order", {"item": "ink"})))
async def parallel_tools_of_several_steps(name: str) -> Any:
    return await ask(agent("buyer", tools=[order]), name)


@shape(calls(("jot", {"text": "one"}), ("jot", {"text": "two"})))
async def parallel_tools_that_are_no_steps(name: str) -> Any:
    return await ask(agent("writer", tools=[desk.jot]), name)


@dataclass
class Customer:
    name: str
    visits: list[str] = field(default_factory=list[str])


@shape(LOOK_UP)
async def dynamic_instructions(name: str) -> Any:
    async def told(context: RunContextWrapper[Customer], me: Agent[Any]) -> str:
        context.context.visits.append(me.name)
        return f"Serve {context.context.name}, visit {len(context.context.visits)}. You are {me.name}."

    return await ask(agent("host", instructions=told, tools=[desk.look_up]), name, context=Customer("Ann"))


class Score(BaseModel):
    sentence: str
    score: int


@dataclass
class Points:
    points: int


SCORE = '{"sentence": "Fell.", "score": 3}'


@shape(rater=(SCORE,), counter=('{"response": {"points": 2}}',), mapper=('{"a": 1}',))
async def output_types(name: str) -> Any:
    rated = await ask(agent("rater", output_type=Score), name)
    counted = await ask(agent("counter", output_type=Points), f"{name}: {rated.sentence}")
    loose = AgentOutputSchema(dict[str, Any], strict_json_schema=False)
    mapped = await ask(agent("mapper", output_type=loose), f"{name}: {counted.points}")
    return await ask(agent("last"), f"{name}: {mapped}")


@shape(LOOK_UP, LOOK_UP, LOOK_UP)
async def too_many_turns(name: str) -> Any:
    return await ask(agent("busy", tools=[desk.look_up]), name, max_turns=2)


@shape(LOOK_UP, LOOK_UP, LOOK_UP, short=())
async def too_many_turns_caught(name: str) -> Any:
    try:
        return await ask(agent("busy", tools=[desk.look_up]), name, max_turns=2)
    except MaxTurnsExceeded as error:
        return await ask(agent("short", instructions=f"{error}. You are short."), name)


@shape(LOOK_UP)
async def sessions(name: str) -> Any:
    session = SQLiteSession("ann", os.environ[SESSIONS])
    try:
        first = await ask(agent("chatty", tools=[desk.look_up]), name, session=session)
        return [first, await ask(agent("chatty", tools=[desk.look_up]), f"{name}: again", session=session)]
    finally:
        session.close()


@shape(LOOK_UP)
async def sessions_with_a_past(name: str) -> Any:
    """Runs after ``sessions``, in the same conversation."""
    session = SQLiteSession("ann", os.environ[SESSIONS])
    try:
        return await ask(agent("chatty", tools=[desk.look_up]), f"{name}: hello", session=session)
    finally:
        session.close()


@DBOS.workflow()
async def served(name: str, who: str) -> Any:
    return await ask(agent(who, tools=[desk.look_up]), name)


@shape(LOOK_UP)
async def nested_workflows(name: str) -> Any:
    with SetWorkflowID("nested-called"):
        called = await served(name, "called")
    with SetWorkflowID("nested-started"):
        started = await DBOS.start_workflow_async(served, name, "started")
    inside = await started.get_result()
    return await ask(agent("parent", tools=[desk.look_up]), f"{name}: {len(called)} {len(inside)}")


@shape(LOOK_UP, calls(("transfer_to_second", {})), second=("", "", MAIL))
async def responses_api(name: str) -> Any:
    async with AsyncOpenAI() as client:
        model = OpenAIResponsesModel("small", client)
        second = agent("second", tools=[desk.send_mail], model=model)
        return await ask(agent("first", tools=[desk.look_up], handoffs=[second], model=model), name)


@shape(LOOK_UP)
async def a_response_that_goes_on(name: str) -> Any:
    async with AsyncOpenAI() as client:
        mine = agent("chained", tools=[desk.look_up], model=OpenAIResponsesModel("small", client))
        first = await DBOSRunner.run(mine, name)
        return await ask(mine, f"{name}: more", previous_response_id=first.last_response_id)


@shape(LOOK_UP)
async def a_conversation_that_the_server_keeps(name: str) -> Any:
    async with AsyncOpenAI() as client:
        mine = agent(
            "kept",
            tools=[desk.look_up],
            model=OpenAIResponsesModel("small", client),
            prompt={"id": "pmpt_1", "variables": {"city": "Rome"}},
        )
        return await ask(mine, name, conversation_id="conv_1")


@shape(LOOK_UP)
async def chat_completions(name: str) -> Any:
    async with AsyncOpenAI() as client:
        mine = agent("chat", tools=[desk.look_up], model=OpenAIChatCompletionsModel("small", client))
        return await ask(mine, name)


class OwnModel(Model):
    """As other libraries write them: a name, and a client that nobody knows."""

    def __init__(self, model: str) -> None:
        self.model = model

    async def get_response(
        self, system_instructions: Any, input: Any, model_settings: Any, *_rest: Any, **_options: Any
    ) -> ModelResponse:
        users = input if isinstance(input, list) else [{"role": "user", "content": input}]
        messages = [{"role": "system", "content": system_instructions}, *users]
        body = json.dumps(
            {"model": self.model, "messages": messages, "temperature": model_settings.temperature}
        ).encode()
        url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
        with urlopen(HttpRequest(url, body, {"Content-Type": "application/json"})) as response:  # noqa: ASYNC210
            said = json.load(response)["choices"][0]["message"]["content"]
        message = ResponseOutputMessage.model_validate(
            {
                "id": "own",
                "role": "assistant",
                "status": "completed",
                "type": "message",
                "content": [{"type": "output_text", "text": said, "annotations": []}],
            }
        )
        return ModelResponse(output=[message], usage=Usage(requests=1), response_id=None)

    def stream_response(self, *_args: Any, **_options: Any) -> Any:
        raise NotImplementedError


@shape()
async def a_model_class_of_its_own(name: str) -> Any:
    mine = agent("own", model=OwnModel("tiny"))
    return [await ask(mine, name), await ask(mine, f"{name}: more")]


COUNT = calls(("count", {"item": "pens"}))


@shape(COUNT, LOOK_UP)
async def mcp_by_stdio(name: str) -> Any:
    parameters: Any = {"command": sys.executable, "args": [str(MCP_SERVER)], "env": dict(os.environ)}
    async with MCPServerStdio(params=parameters, name="stock", client_session_timeout_seconds=20) as server:
        return await ask(agent("stocked", mcp_servers=[server], tools=[desk.look_up]), name)


@shape(COUNT, LOOK_UP)
async def mcp_by_http(name: str) -> Any:
    async with MCPServerStreamableHttp(
        params={"url": os.environ[MCP_URL]}, name="stock", client_session_timeout_seconds=20
    ) as server:
        return await ask(agent("stocked", mcp_servers=[server], tools=[desk.look_up]), name)


@dataclass(frozen=True)
class Recording:
    """Runs by the name of their shape, children by their id, and what the model got in each shape, in order."""

    runs: dict[str, Run]
    received: dict[str, list[Received]]


def as_recorded() -> None:
    """Let every workflow do what it did when it was recorded."""
    desk.plots.update({name: each.body for name, each in SHAPES.items()})


def record(database: Path, server: ModelServer) -> Recording:
    as_recorded()
    install_sqlite_clock()
    DBOS(
        config={
            "name": "helpdesk",
            "system_database_url": f"sqlite:///{database}",
            "enable_otlp": False,
            "notification_listener_polling_interval_sec": 0.02,
            "log_level": "CRITICAL",
        }
    )
    DBOS.launch()
    received: dict[str, list[Received]] = {}
    for name in SHAPES:
        sdk_provider._http_client = None  # it would be shared by event loops
        before = server.count
        with SetWorkflowID(name):
            handle: Any = DBOS.start_workflow(desk.chat, name, name)
        # DBOS cannot pickle what the SDK raises after too many turns: such a run stays as it is.
        with suppress(MaxTurnsExceeded, AttributeError):
            handle.get_result()
        received[name] = server.requests[before:]
    DBOS.destroy()
    with Reader(f"sqlite:///{database}") as reader:
        runs = {name: reader.run(name) for name in [*SHAPES, "nested-called", "nested-started"]}
    return Recording(runs, received)


def record_into(database: str, out: str) -> None:
    """Run every shape once with a DBOS on the SQLite file ``database``, and pickle the recording into ``out``."""
    with ModelServer(answer) as server:
        os.environ["OPENAI_BASE_URL"] = server.url
        Path(out).write_bytes(pickle.dumps(record(Path(database), server)))


def rows_of(database: Path) -> list[Any]:
    """Everything in the store of a SQLiteSession."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(
            "SELECT session_id, message_data FROM agent_messages ORDER BY id"
        ).fetchall()
