"""An application as its users write it: it knows nothing of tests. Copied into projects as ``newsdesk.py``."""

from pathlib import Path

from agents import Agent, function_tool
from dbos import DBOS
from dbos_openai_agents import DBOSRunner

print("newsdesk was imported")


@DBOS.step()
def load(month: str) -> list[int]:
    return [100, 88]


@function_tool
@DBOS.step()
def compare(month: str) -> str:
    """Compare a month with the one before."""
    return "-12%"


analyst = Agent(name="analyst", instructions="Find the numbers.", model="gpt-4o-mini", tools=[compare])
summarizer = Agent(name="summarizer", instructions="Write one sentence.\nBe positive.", model="gpt-4o-mini")


@DBOS.step()
def publish(text: str) -> None:
    """What must never happen in an evaluation: the world outside changes."""
    with Path("published.txt").open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")


@DBOS.workflow()
async def report(month: str) -> str:
    numbers = load(month)
    found = await DBOSRunner.run(analyst, f"How was {month}? {numbers}")
    print("newsdesk has its numbers")
    written = await DBOSRunner.run(summarizer, str(found.final_output))
    publish(str(written.final_output))
    return str(written.final_output)
