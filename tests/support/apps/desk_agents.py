"""Agents of two frameworks beside a plain step that asks a model, and a plain step that runs a whole agent."""

from agents import Agent, OpenAIChatCompletionsModel, RunConfig, Runner
from dbos import DBOS
from dbos_openai_agents import DBOSRunner
from openai import AsyncOpenAI

from support.apps import desk_llm as llm

QUIET = RunConfig(tracing_disabled=True)


def clerk(client: AsyncOpenAI) -> Agent[None]:
    model = OpenAIChatCompletionsModel(llm.MODEL, client)
    return Agent(name="Clerk", instructions="You file letters.", model=model)


@DBOS.step()
def classify(question: str) -> str:
    return llm.by_openai(question)


@DBOS.step()
async def filed_by_an_agent(question: str) -> str:
    async with AsyncOpenAI() as client:
        result = await Runner.run(clerk(client), question, run_config=QUIET)
    return str(result.final_output)


@DBOS.workflow()
async def classify_and_file(question: str) -> str:
    found = classify(question)
    async with AsyncOpenAI() as client:
        result = await DBOSRunner.run(clerk(client), found, run_config=QUIET)
    return f"{found} / {result.final_output}"


@DBOS.workflow()
async def file_in_a_step(question: str) -> str:
    return await filed_by_an_agent(question)
