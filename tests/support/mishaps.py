"""An application whose runs end in every way, as its users write it. Copied into projects as ``desk.py``."""

import asyncio
import os
from datetime import datetime

from agents import Agent, function_tool
from dbos import DBOS, WorkflowSerializationFormat
from dbos_openai_agents import DBOSRunner


class NoOrderError(Exception):
    pass


@DBOS.step()
def fetch(ticket: str) -> dict[str, object]:
    return {
        "ticket": ticket,
        "customer": "Bob Stone <bob.stone@example.com>, +1 415 555 2671",
        "config": '{"api_key": "q9w8e7r6t5y4", "retries": 3}',
        "dsn": "postgresql://desk:Tr0ub4dor-3@db.internal/desk",
        "seen": ("AKIAIOSFODNN7EXAMPLE", 3),
    }


@function_tool(failure_error_function=None)
@DBOS.step()
def find_order(order: int) -> str:
    """Find an order."""
    if order > 10:
        raise NoOrderError(f"order {order} of 'bob' is not in shard {order}f3a")
    return f"order {order}: the password is hunter2-{order}, signed AKIAIOSFODNN7EXAMPLE"


desk = Agent(
    name="Desk",
    instructions="Answer the ticket. Our dsn ends in Tr0ub4dor-3.",
    tools=[find_order],
    model="small-model",
)


@DBOS.workflow()
async def answer(ticket: str, *, password: str = "") -> str:
    found = fetch(ticket)
    if not str(found["dsn"]).startswith("postgresql://"):
        raise RuntimeError("the dsn is no longer one")
    result = await DBOSRunner.run(desk, f"{ticket}: {found['customer']}")
    return str(result.final_output)


@DBOS.workflow()
async def answer_and_break(ticket: str) -> str:
    await answer_only(ticket)
    raise ValueError(f"no room for {ticket}")


async def answer_only(ticket: str) -> str:
    result = await DBOSRunner.run(desk, ticket)
    return str(result.final_output)


@DBOS.step()
def shaky() -> str:
    raise NoOrderError("try again")


@DBOS.workflow()
async def answer_after_an_error(ticket: str) -> str:
    try:
        shaky()
    except NoOrderError as error:
        ticket = f"{ticket} ({error})"
    return await answer_only(ticket)


@DBOS.step()
async def hold() -> None:
    await asyncio.sleep(float(os.environ.get("DESK_HOLDS", "0")))


@DBOS.workflow()
async def answer_and_hold(ticket: str) -> str:
    said = await answer_only(ticket)
    await hold()
    return said


@DBOS.workflow(serialization_type=WorkflowSerializationFormat.PORTABLE)
async def answer_by(when: datetime, *, ticket: str) -> str:
    try:
        shaky()
    except Exception as error:
        ticket = f"{ticket} ({type(error).__name__}: {error})"
    return await answer_only(f"{ticket} of {when:%A}")


@DBOS.workflow()
def plain(ticket: str) -> None:
    shaky()
