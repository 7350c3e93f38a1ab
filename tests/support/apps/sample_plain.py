"""The sample of the conformance suite, as a plain DBOS workflow that calls a client itself."""

import json
import os
from pathlib import Path
from typing import Any

import refork
from dbos import DBOS
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion

TOOL: Any = {"type": "function", "function": {"name": "find_book", "parameters": {"type": "object"}}}


@DBOS.step(name="plain_ask")
async def call(prompt: str, messages: list[Any]) -> ChatCompletion:
    async with AsyncOpenAI(max_retries=0) as client:
        sent: Any = [{"role": "system", "content": prompt}, *messages]
        return await client.chat.completions.create(model="small", messages=sent, tools=[TOOL])


@DBOS.step(name="plain_find_book")
def find_book(title: str) -> str:
    with Path(os.environ["SAMPLE_LEDGER"]).open("a", encoding="utf-8") as ledger:
        ledger.write("acted\n")
    return f"{title} is on shelf 5"


@DBOS.workflow(name="ask_plain")
async def ask(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    first = (await call(refork.prompt("librarian"), messages)).choices[0].message
    assert first.tool_calls
    asked: Any = first.tool_calls[0]
    found = find_book(**json.loads(asked.function.arguments))
    messages += [
        first.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": asked.id, "content": found},
    ]
    return str((await call(refork.prompt("librarian"), messages)).choices[0].message.content)
