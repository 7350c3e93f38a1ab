"""An application as its users write it: it knows nothing of tests. Copied into projects as ``shop.py``."""

from dataclasses import dataclass
from decimal import Decimal

from agents import Agent, function_tool
from dbos import DBOS
from dbos_openai_agents import DBOSRunner

print("shop is imported")


@dataclass(frozen=True)
class Money:
    amount: Decimal
    currency: str


class OutOfStockError(Exception):
    pass


@DBOS.step()
def look_up(item: str) -> dict[str, object]:
    return {"item": item, "stock": 3, "tags": ("new", "blue")}


@DBOS.step()
def price(item: str) -> Money:
    return Money(Decimal("9.90"), "EUR")


@DBOS.workflow()
def quote(item: str, *, count: int) -> Money:
    look_up(item)
    return Money(price(item).amount * count, "EUR")


@DBOS.workflow()
def stock(item: str) -> object:
    return look_up(item)["stock"]


@DBOS.step()
def reserve(item: str) -> None:
    raise OutOfStockError(f"no \x1b[31m{item}\x1b[0m [bold]left[/bold]\nsecond line")


@DBOS.workflow()
def order(item: str) -> None:
    reserve(item)


@DBOS.workflow()
def inventory(items: list[str]) -> list[object]:
    return [DBOS.start_workflow(stock, item).get_result() for item in items]


@function_tool
@DBOS.step()
def run_sql(query: str) -> str:
    """Run a query over the sales."""
    return f"rows of {query}"


summarizer = Agent(name="Summarizer", instructions="Summarize for an executive.", model="small-model")
analyst = Agent(
    name="Analyst",
    instructions="Answer with data, then hand over.",
    model="small-model",
    tools=[run_sql],
    handoffs=[summarizer],
)


@DBOS.workflow()
async def report(question: str) -> str:
    result = await DBOSRunner.run(analyst, question)
    return str(result.final_output)
