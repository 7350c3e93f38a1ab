"""The stand-in model server, asked by the real client and the real SDK."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, RunConfig, Runner, function_tool
from openai import APIConnectionError, AsyncOpenAI, InternalServerError, RateLimitError

from support.model_server import Call, Failure, ModelServer, Received, Reply, in_order


@asynccontextmanager
async def client_of(server: ModelServer) -> AsyncGenerator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0) as client:
        yield client


async def ask(client: AsyncOpenAI, text: str = "hello") -> str:
    answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    return answer.choices[0].message.content or ""


@function_tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def adds_then_tells(request: Received) -> Reply | str:
    if request.turn == 0:
        return Reply(calls=(Call("add", {"a": 1, "b": 2}), Call("add", {"a": 3, "b": 4})), cached_tokens=7)
    return f"sums: {' '.join(request.results)}; prompt: {request.instructions}; offered: {request.tools}"


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_the_sdk_gets_tool_calls_and_text_through_both_apis(api: str) -> None:
    async def run(server: ModelServer) -> tuple[str, int]:
        async with client_of(server) as client:
            kind = OpenAIChatCompletionsModel if api == "chat" else OpenAIResponsesModel
            agent = Agent(name="adder", instructions="Add.", tools=[add], model=kind("m", client))
            result = await Runner.run(agent, "go", run_config=RunConfig(tracing_disabled=True))
            usage = result.context_wrapper.usage
            assert usage.input_tokens_details.cached_tokens == 7
            return str(result.final_output), usage.total_tokens

    with ModelServer(adds_then_tells) as server:
        answer, tokens = asyncio.run(run(server))
    assert answer == "sums: 3 7; prompt: Add.; offered: ['add']"
    assert tokens == 220
    assert [request.api for request in server.requests] == [api, api]
    assert [request.turn for request in server.requests] == [0, 1]


def test_failures_come_before_the_script_and_end() -> None:
    async def run(server: ModelServer) -> None:
        async with client_of(server) as client:
            server.fail_next(Failure(429))
            server.fail_next(Failure(500))
            server.fail_next(Failure(drop=True))
            for error in (RateLimitError, InternalServerError, APIConnectionError):
                with pytest.raises(error):
                    await ask(client)
            assert await ask(client) == "fine"

    with ModelServer("fine") as server:
        asyncio.run(run(server))
    assert server.count == 4


def test_requests_are_answered_side_by_side_after_the_latency() -> None:
    async def run(server: ModelServer) -> float:
        async with client_of(server) as client:
            started = time.monotonic()
            await asyncio.gather(*(ask(client, str(number)) for number in range(8)))
            return time.monotonic() - started

    with ModelServer(latency=0.2) as server:
        seconds = asyncio.run(run(server))
    assert 0.2 <= seconds < 1.6
    assert server.most_in_flight > 1
    assert sorted(request.user for request in server.requests) == [str(number) for number in range(8)]


def test_held_requests_arrive_and_wait() -> None:
    async def run(server: ModelServer) -> str:
        async with client_of(server) as client:
            with server.held():
                waiting = asyncio.create_task(ask(client))
                await asyncio.to_thread(server.wait_for, 1)
                assert not waiting.done()
            return await waiting

    with ModelServer(in_order("first")) as server:
        assert asyncio.run(run(server)) == "first"
        assert server.in_flight == 0


def test_a_script_that_raises_fails_the_test() -> None:
    def broken(_request: Received) -> str:
        raise AssertionError("unexpected request")

    async def run(server: ModelServer) -> None:
        async with client_of(server) as client:
            with pytest.raises(InternalServerError, match="unexpected request"):
                await ask(client)

    with pytest.raises(AssertionError, match="unexpected request"), ModelServer(broken) as server:
        asyncio.run(run(server))
