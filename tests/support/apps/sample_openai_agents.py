"""The sample of the conformance suite, written with the OpenAI Agents SDK."""

import os
from pathlib import Path

from agents import Agent, function_tool, set_default_openai_api, set_tracing_disabled
from dbos import DBOS
from dbos_openai_agents import DBOSRunner

set_default_openai_api("chat_completions")
set_tracing_disabled(True)


@function_tool
@DBOS.step(name="openai_find_book")
def find_book(title: str) -> str:
    """Find a book."""
    with Path(os.environ["SAMPLE_LEDGER"]).open("a", encoding="utf-8") as ledger:
        ledger.write("acted\n")
    return f"{title} is on shelf 5"


librarian = Agent(name="librarian", instructions="Help the reader.", model="small", tools=[find_book])


@DBOS.workflow(name="ask_openai_agents")
async def ask(question: str) -> str:
    return str((await DBOSRunner.run(librarian, question)).final_output)
