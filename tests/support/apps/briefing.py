"""An application of plain DBOS workflows, which call a model's client in steps of their own."""

import json
import urllib.request

import refork
from dbos import DBOS
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletion

MODEL = "small-model"


@DBOS.step()
def figures(month: str) -> list[dict[str, object]]:
    return [{"month": "February", "revenue": 100}, {"month": month, "revenue": 88}]


@DBOS.step()
def ask(prompt: str, question: str) -> ChatCompletion:
    with OpenAI(max_retries=0) as client:
        return client.chat.completions.create(model=MODEL, messages=_messages(prompt, question))


@DBOS.step()
async def ask_inside(rows: list[dict[str, object]], question: str) -> ChatCompletion:
    async with AsyncOpenAI(max_retries=0) as client:
        prompt = refork.prompt("summarize", rows=rows)
        return await client.chat.completions.create(model=MODEL, messages=_messages(prompt, question))


@DBOS.step()
def ask_by_hand(prompt: str) -> str:
    """A client that nobody knows."""
    body = json.dumps({"model": MODEL, "messages": _messages(prompt, "How was it?")}).encode()
    with OpenAI() as client:
        url = f"{client.base_url}chat/completions"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        told = json.load(response)
    refork.record_usage(input_tokens=70, output_tokens=7, cached_tokens=20, model=MODEL)
    return str(told["choices"][0]["message"]["content"])


@DBOS.step()
def publish(text: str) -> int:
    return len(text)


@DBOS.workflow()
def brief(month: str) -> str:
    rows = figures(month)
    answer = ask(refork.prompt("summarize", rows=rows), f"How was {month}?")
    text = str(answer.choices[0].message.content)
    if "increased" in text:
        refork.flag("says that revenue rose", step=2)
        refork.flag("the reader complained")
    publish(text)
    return text


@DBOS.workflow()
async def brief_inside(month: str) -> str:
    rows = figures(month)
    answer = await ask_inside(rows, f"How was {month}?")
    refork.flag("flagged in an event loop")
    text = str(answer.choices[0].message.content)
    publish(text)
    return text


@DBOS.workflow()
def brief_by_hand(month: str) -> str:
    rows = figures(month)
    text = ask_by_hand(refork.prompt("summarize", rows=rows))
    publish(text)
    return text


def _messages(prompt: str, question: str) -> list:  # type: ignore[type-arg]
    return [{"role": "system", "content": prompt}, {"role": "user", "content": question}]
