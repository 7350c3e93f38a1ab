"""A chat-completions server in a process of its own, with a fixed latency and a count of its calls."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

LATENCY = 0.5
"""Seconds from a request to its answer."""


@dataclass(frozen=True)
class Server:
    url: str

    def calls(self) -> int:
        """The calls since this was last asked."""
        with urllib.request.urlopen(self.url.removesuffix("/v1") + "/calls", timeout=10) as answer:
            return int(answer.read())


@contextmanager
def serving(latency: float = LATENCY) -> Generator[Server]:
    """Run the server, and point the OpenAI client's environment at it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "bench.server", str(port), str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            server = Server(f"http://127.0.0.1:{port}/v1")
            os.environ |= {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "none"}
            yield server
        finally:
            process.terminate()


def main() -> None:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse, Response
    from starlette.routing import Route

    port, latency = int(sys.argv[1]), float(sys.argv[2])
    calls = 0

    async def chat(request: Request) -> Response:
        nonlocal calls
        calls += 1
        body = await request.json()
        await asyncio.sleep(latency)
        return Response(json.dumps(_answer(body)), media_type="application/json")

    async def count(_request: Request) -> Response:
        nonlocal calls
        calls, counted = 0, calls
        return PlainTextResponse(str(counted))

    app = Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"]), Route("/calls", count)])
    config = uvicorn.Config(app, port=port, log_level="error")
    server = uvicorn.Server(config)

    async def run() -> None:
        serve = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        print("ready", flush=True)
        await serve

    asyncio.run(run())


def _answer(body: dict[str, object]) -> dict[str, object]:
    """A tool call until the conversation holds as many tool results as its first message asks for."""
    messages = body["messages"]
    assert isinstance(messages, list)
    results = sum(message["role"] == "tool" for message in messages)
    question = next(message["content"] for message in messages if message["role"] == "user")
    message: dict[str, object] = {"role": "assistant", "content": "done"}
    if results < int(str(question).split()[0]):
        function = {"name": "look", "arguments": json.dumps({"number": results})}
        calls = [{"id": f"call_{results}", "type": "function", "function": function}]
        message = {"role": "assistant", "content": None, "tool_calls": calls}
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return {
        "id": "chat",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [choice],
        "usage": usage,
    }


if __name__ == "__main__":
    main()
