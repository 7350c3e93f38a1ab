"""The sample of the conformance suite, written with Pydantic AI: as it is done now, and with ``DBOSAgent``."""

import os
import warnings
from pathlib import Path

from dbos import DBOS
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.durable_exec.dbos import DBOSAgent, DBOSDurability  # pyright: ignore[reportDeprecated]
from pydantic_ai.models.openai import OpenAIChatModel


@DBOS.step(name="pydantic_find_book")
def find_book(title: str) -> str:
    """Find a book."""
    with Path(os.environ["SAMPLE_LEDGER"]).open("a", encoding="utf-8") as ledger:
        ledger.write("acted\n")
    return f"{title} is on shelf 5"


class Place(BaseModel):
    shelf: int


librarian = Agent(
    OpenAIChatModel("small"),
    name="librarian",
    instructions="Help the reader.",
    tools=[find_book],
    capabilities=[DBOSDurability()],
)
cataloguer = Agent(
    OpenAIChatModel("small"),
    name="cataloguer",
    system_prompt="Catalogue it.",
    output_type=Place,
    tools=[find_book],
    capabilities=[DBOSDurability()],
)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # DBOSAgent is on its way out, and many run it
    wrapped = DBOSAgent(  # pyright: ignore[reportDeprecated]
        Agent(OpenAIChatModel("small"), name="wrapped", instructions="Help the reader.", tools=[find_book])
    )


@DBOS.workflow(name="ask_pydantic_ai")
async def ask(question: str) -> str:
    return (await librarian.run(question)).output


@DBOS.workflow(name="catalogue")
async def catalogue(question: str) -> int:
    return (await cataloguer.run(question)).output.shelf


@DBOS.workflow(name="ask_wrapped")
async def ask_wrapped(question: str) -> str:
    return (await wrapped.run(question)).output
