"""Agents of Pydantic AI that plan, search the web with the model's own tool in child workflows, and report."""

from dbos import DBOS
from fastapi import FastAPI
from pydantic import BaseModel
from pydantic_ai import Agent, WebSearchTool
from pydantic_ai.durable_exec.dbos import DBOSAgent

REPORT = "Report on the trip."

app = FastAPI()


class Plan(BaseModel):
    searches: list[str]


planner = DBOSAgent(
    Agent("anthropic:claude-sonnet-4-5", instructions="Plan the searches.", output_type=Plan, name="planner")
)
searcher = DBOSAgent(
    Agent(
        "google-gla:gemini-2.5-flash",
        instructions="Search the web.",
        builtin_tools=[WebSearchTool()],
        name="searcher",
    )
)
reporter = DBOSAgent(Agent("anthropic:claude-sonnet-4-5", instructions=REPORT, name="reporter"))


@DBOS.workflow()
async def search(terms: str) -> str:
    return (await searcher.run(terms)).output


@DBOS.workflow()
async def plan_trip(wish: str) -> str:
    plan = (await planner.run(wish)).output
    handles = [await DBOS.start_workflow_async(search, terms) for terms in plan.searches]
    found = [await handle.get_result() for handle in handles]
    return (await reporter.run(f"{wish}\n{found}")).output


@app.post("/trips")
async def start(body: dict):
    DBOS.start_workflow(plan_trip, body["wish"])
    return {"ok": True}
