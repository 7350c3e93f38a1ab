"""An agent application as its users write it, except that every workflow does what ``plots`` says today.

DBOS registers a workflow once a process; so that today's code can differ from the recorded one, the bodies
of the workflows are looked up when they run. Every tool and step writes a line into the ledger.
"""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from agents import Agent, ModelSettings, function_tool, set_default_openai_api
from dbos import DBOS, DBOSConfiguredInstance
from pydantic import BaseModel

set_default_openai_api("chat_completions")

plots: dict[str, Callable[..., Any]] = {}


class Ticket(BaseModel):
    """A request of a customer's."""

    customer: str
    text: str
    urgent: bool = False


def ledger_file() -> Path:
    """Where it writes what it did. Looked up each time: a process may be copied once this is imported."""
    return Path(os.environ["HELPDESK_LEDGER"])


def write(line: str) -> None:
    with ledger_file().open("a", encoding="utf-8") as ledger:
        ledger.write(f"{line}\n")


@DBOS.step()
def note(text: str) -> str:
    """A plain step."""
    write(f"note {text}")
    return f"noted {text}"


@DBOS.step()
async def note_async(text: str) -> str:
    write(f"note_async {text}")
    return f"noted {text}"


@DBOS.step()
def fail(text: str) -> str:
    write(f"fail {text}")
    raise ValueError(text)


@function_tool
@DBOS.step()
def look_up(customer: str) -> str:
    """Find a customer's account."""
    write(f"look_up {customer}")
    return f"account of {customer}"


@function_tool
@DBOS.step()
async def refund(amount: int) -> str:
    """Pay money back."""
    write(f"refund {amount}")
    return f"refunded {amount}"


@function_tool
@DBOS.step()
def send_mail(to: str) -> str:
    """Send a mail."""
    write(f"send_mail {to}")
    return "sent"


@function_tool
def jot(text: str) -> str:
    """A tool that is not a step: DBOS keeps nothing of it, and runs it again in every replay."""
    write(f"jot {text}")
    return f"jotted {text}"


TURNS = ("And in March?", "Thank you.")


@DBOS.step()
def ask_user(said: str, turn: int) -> str:
    """A step by which the user's turns come."""
    write(f"ask_user {said}")
    return TURNS[turn]


@DBOS.step()
async def ask_user_async(said: str, turn: int) -> str:
    write(f"ask_user_async {said}")
    return TURNS[turn]


@function_tool
@DBOS.step()
def ask_customer(question: str) -> str:
    """Ask the customer something."""
    write(f"ask_customer {question}")
    return f"The customer says: {question[::-1]}"


asker = Agent(name="Asker", instructions="Ask the customer.", model="small", tools=[ask_customer])
closer = Agent(name="Closer", instructions="Close the ticket.", model="small", tools=[send_mail])
clerk = Agent(
    name="Clerk",
    instructions="Help the customer.",
    model="small",
    tools=[look_up, refund, send_mail],
    handoffs=[closer],
    model_settings=ModelSettings(temperature=0.5),
)


@DBOS.workflow()
async def chat(plot: str, *args: Any, **kwargs: Any) -> Any:
    done: Awaitable[Any] = plots[plot](*args, **kwargs)
    return await done


@DBOS.workflow()
def chat_sync(plot: str, *args: Any, **kwargs: Any) -> Any:
    return plots[plot](*args, **kwargs)


@DBOS.workflow()
async def child(text: str) -> str:
    return await note_async(f"child {text}")


@DBOS.workflow()
def child_sync(text: str) -> str:
    return note(f"child {text}")


@DBOS.dbos_class()
class Office:
    @staticmethod
    @DBOS.workflow()
    async def serve(plot: str) -> Any:
        return await plots[plot](plot)

    @classmethod
    @DBOS.workflow()
    async def serve_all(cls, plot: str) -> Any:
        return await plots[plot](plot)


@DBOS.dbos_class()
class Desk(DBOSConfiguredInstance):
    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(config_name=name)

    @DBOS.workflow()
    async def serve(self, plot: str) -> Any:
        return await plots[plot](plot)


front_desk = Desk("front")
