"""An application whose plain steps ask a model through helpers, and return text or values of their own."""

import os
from pathlib import Path

import refork
from dbos import DBOS

from support.apps import desk_llm as llm
from support.apps.desk_llm import Letter, by_anthropic


@DBOS.step()
def openai_step(question: str) -> str:
    return llm.by_openai(question)


@DBOS.step()
async def openai_async_step(question: str) -> str:
    return await llm.by_openai_async(question)


@DBOS.step()
def responses_step(question: str) -> str:
    return llm.by_responses(question)


@DBOS.step()
def anthropic_step(question: str) -> str:
    return by_anthropic(question)


@DBOS.step()
def requests_step(question: str) -> str:
    return llm.by_requests(question)


@DBOS.step()
def httpx_step(question: str) -> str:
    return llm.by_httpx(question)


@DBOS.step()
async def aiohttp_step(question: str) -> str:
    return await llm.by_aiohttp(question)


@DBOS.step()
async def task_group_step(question: str) -> list[str]:
    return await llm.in_a_task_group(question)


@DBOS.step()
def urllib_step(question: str) -> str:
    return llm.by_urllib(question)


@DBOS.step()
def parsed_step(question: str) -> Letter:
    return llm.parsed(question)


@DBOS.step()
def streamed_step(question: str) -> str:
    return llm.streamed(question)


@DBOS.step()
def loop_step(question: str) -> list[str]:
    return llm.in_a_loop(question)


@DBOS.step()
def threads_step(question: str) -> list[str]:
    return llm.in_threads(question)


@DBOS.step()
def own_loop_step(question: str) -> str:
    return llm.in_a_loop_of_its_own(question)


@DBOS.step()
def two_voices_step(question: str) -> str:
    return llm.in_two_voices(question)


@DBOS.step()
def bare_step(question: str) -> str:
    return llm.without_a_system_message(question)


@DBOS.step()
def looking_up_step(question: str) -> str:
    return llm.looked_up(question)


@DBOS.step()
def writing_step(question: str) -> str:
    with Path(os.environ["DESK_LEDGER"]).open("a", encoding="utf-8") as ledger:
        ledger.write("acted\n")
    return llm.by_openai(question)


@DBOS.step()
def rendering_step(question: str) -> str:
    """Asks by a client that nobody sees, with a prompt of ``refork.prompt``."""
    return f"asked with {refork.prompt('desk_rendered', question=question)!r}"


@DBOS.step()
def early_step(question: str) -> str:
    return llm.by_openai(question) if len(question) > 1000 else "too short to ask"


@DBOS.step()
def unseen_step(question: str) -> str:
    asked = getattr(llm, "by_" + "openai")
    return str(asked(question))


@DBOS.step()
def file_step(text: str) -> int:
    with Path(os.environ["DESK_LEDGER"]).open("a", encoding="utf-8") as ledger:
        return ledger.write(f"{text}\n")


def inline_step(question: str) -> str:
    return DBOS.run_step({"name": "inline_step"}, llm.by_openai, question)


def lambda_step(question: str) -> str:
    return DBOS.run_step({"name": "lambda_step"}, lambda: llm.by_openai(question))


async def inline_async_step(question: str) -> str:
    return await DBOS.run_step_async({"name": "inline_async_step"}, llm.by_openai_async, question)


SYNC = {
    "inline": inline_step,
    "lambda": lambda_step,
    "openai": openai_step,
    "responses": responses_step,
    "anthropic": anthropic_step,
    "requests": requests_step,
    "httpx": httpx_step,
    "urllib": urllib_step,
    "parsed": parsed_step,
    "streamed": streamed_step,
    "loop": loop_step,
    "threads": threads_step,
    "own_loop": own_loop_step,
    "two_voices": two_voices_step,
    "bare": bare_step,
    "looking_up": looking_up_step,
    "writing": writing_step,
    "rendering": rendering_step,
    "early": early_step,
    "unseen": unseen_step,
}
ASYNC = {
    "openai_async": openai_async_step,
    "aiohttp": aiohttp_step,
    "task_group": task_group_step,
    "inline_async": inline_async_step,
}


@DBOS.workflow()
def sort(how: str, question: str) -> object:
    return SYNC[how](question)


@DBOS.workflow()
async def sort_async(how: str, question: str) -> object:
    return await ASYNC[how](question)


@DBOS.workflow()
def sort_and_file(question: str) -> str:
    """Two model steps with a step that acts between them, the second in a child workflow of its own."""
    first = openai_step(question)
    file_step(first)
    return f"{first} / {httpx_step(first)}"


@DBOS.workflow()
def sort_in_a_child(question: str) -> object:
    return sort("openai", question)
