"""The sample of the conformance suite, written with Pydantic AI: as it is done now, and with ``DBOSAgent``.

Pydantic AI 1 has ``DBOSAgent`` alone.
"""

import os
import warnings
from pathlib import Path
from typing import Any

import pydantic_ai.durable_exec.dbos as durable_exec
from dbos import DBOS
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel


@DBOS.step(name="pydantic_find_book")
def find_book(title: str) -> str:
    """Find a book."""
    with Path(os.environ["SAMPLE_LEDGER"]).open("a", encoding="utf-8") as ledger:
        ledger.write("acted\n")
    return f"{title} is on shelf 5"


class Place(BaseModel):
    shelf: int


def by_dbos_agent(name: str, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # DBOSAgent is on its way out, and many run it
        agent = Agent(OpenAIChatModel("small"), name=name, tools=[find_book], **options)
        return durable_exec.DBOSAgent(agent)  # pyright: ignore[reportDeprecated]


def durable(name: str, **options: Any) -> Any:
    capability: Any = getattr(durable_exec, "DBOSDurability", None)
    if capability is None:
        return by_dbos_agent(name, **options)
    model = OpenAIChatModel("small")
    return Agent(model, name=name, tools=[find_book], capabilities=[capability()], **options)


librarian = durable("librarian", instructions="Help the reader.")
cataloguer = durable("cataloguer", system_prompt="Catalogue it.", output_type=Place)
wrapped = by_dbos_agent("wrapped", instructions="Help the reader.")


@DBOS.workflow(name="ask_pydantic_ai")
async def ask(question: str) -> str:
    answer: str = (await librarian.run(question)).output
    return answer


@DBOS.workflow(name="catalogue")
async def catalogue(question: str) -> int:
    place: Place = (await cataloguer.run(question)).output
    return place.shelf


@DBOS.workflow(name="ask_wrapped")
async def ask_wrapped(question: str) -> str:
    answer: str = (await wrapped.run(question)).output
    return answer
