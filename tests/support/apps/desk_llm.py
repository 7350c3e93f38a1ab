"""How the desk asks its model: helpers of its own over the clients that people use."""

import asyncio
import json
import os
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
import httpx
import requests
from anthropic import Anthropic
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

MODEL = "small-model"
SYSTEM = "You sort letters."


class Letter(BaseModel):
    subject: str
    urgent: bool


def base_url() -> str:
    return os.environ["OPENAI_BASE_URL"]


def messages(question: str) -> list[Any]:
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]


def body(question: str) -> dict[str, Any]:
    return {"model": MODEL, "messages": messages(question), "temperature": 0.5}


def told(answer: Any) -> str:
    return str(answer["choices"][0]["message"]["content"])


def by_openai(question: str) -> str:
    with OpenAI() as client:
        try:
            answer = client.chat.completions.create(**body(question))
        except Exception as error:
            raise Exception(f"the model failed: {error}") from error  # noqa: TRY002 - as applications do
        return str(answer.choices[0].message.content)


async def by_openai_async(question: str) -> str:
    async with AsyncOpenAI() as client:
        answer = await client.chat.completions.create(**body(question))
        return str(answer.choices[0].message.content)


def by_responses(question: str) -> str:
    with OpenAI() as client:
        return client.responses.create(model=MODEL, instructions=SYSTEM, input=question).output_text


def by_anthropic(question: str) -> str:
    with Anthropic(api_key=os.environ.get("DESK_KEY"), base_url=base_url().removesuffix("/v1")) as client:
        asked: Any = [{"role": "user", "content": question}]
        answer = client.messages.create(model=MODEL, system=SYSTEM, messages=asked, max_tokens=100)
        return "".join(block.text for block in answer.content if block.type == "text")


def by_requests(question: str) -> str:
    return told(requests.post(f"{base_url()}/chat/completions", json=body(question), timeout=10).json())


def by_httpx(question: str) -> str:
    return told(httpx.post(f"{base_url()}/chat/completions", json=body(question)).json())


async def by_aiohttp(question: str) -> str:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{base_url()}/chat/completions", json=body(question)) as answer,
    ):
        return told(await answer.json())


def by_urllib(question: str) -> str:
    data = json.dumps(body(question)).encode()
    request = urllib.request.Request(
        f"{base_url()}/chat/completions", data, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return told(json.load(answer))


def parsed(question: str) -> Letter:
    with OpenAI() as client:
        answer = client.chat.completions.parse(response_format=Letter, **body(question))
        found = answer.choices[0].message.parsed
        assert found is not None
        return found


def streamed(question: str) -> str:
    with OpenAI() as client:
        chunks = client.chat.completions.create(stream=True, **body(question))
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def in_a_loop(question: str) -> list[str]:
    return [by_openai(f"{question} ({number})") for number in range(3)]


def in_threads(question: str) -> list[str]:
    with ThreadPoolExecutor() as pool:
        return list(pool.map(by_openai, [f"{question} ({number})" for number in range(3)]))


def in_a_loop_of_its_own(question: str) -> str:
    return asyncio.run(by_openai_async(question))


def looked_up(question: str) -> str:
    """Reads something elsewhere first."""
    found = httpx.get(f"{base_url()}/stock").status_code
    return by_openai(f"{question} ({found})")


def in_two_voices(question: str) -> str:
    """Asks, has the answer checked under another prompt, and asks again."""
    first = by_httpx(question)
    checked = {**body(first), "messages": [{"role": "system", "content": "You check."}, *messages(first)[1:]]}
    told(httpx.post(f"{base_url()}/chat/completions", json=checked).json())
    return by_httpx(f"{question} Not: {first}")


def without_a_system_message(question: str) -> str:
    asked = {**body(question), "messages": messages(question)[1:]}
    return told(httpx.post(f"{base_url()}/chat/completions", json=asked).json())


async def in_a_task_group(question: str) -> list[str]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(by_openai_async(f"{question} ({number})")) for number in range(3)]
    return [task.result() for task in tasks]
