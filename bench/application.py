"""The application that is measured: an agent behind a number of plain steps, or with a number of turns."""

import random

from agents import Agent, function_tool, set_default_openai_api
from dbos import DBOS
from dbos_openai_agents import DBOSRunner

set_default_openai_api("chat_completions")


def row(number: int) -> str:
    """Look something up."""
    return f"row {number}: " + "x" * 200


@function_tool
@DBOS.step()
def look(number: int) -> str:
    """Look something up."""
    return row(number)


def question(rows: int) -> str:
    return f"{rows} rows, please"


looker = Agent(name="looker", instructions="Look, then answer.", tools=[look], model="bench")


@DBOS.step()
def plain(number: int) -> int:
    return number


@DBOS.workflow()
async def behind_steps(steps: int) -> str:
    for number in range(steps):
        plain(number)
    result = await DBOSRunner.run(looker, question(0))
    return str(result.final_output)


@DBOS.workflow()
async def behind_turns(turns: int) -> str:
    result = await DBOSRunner.run(looker, question(turns), max_turns=turns + 2)
    return str(result.final_output)


@DBOS.step()
def large(number: int, size: int) -> str:
    return random.Random(number).randbytes(size // 2).hex()


@DBOS.workflow()
async def behind_large(steps: int, size: int) -> str:
    for number in range(steps):
        large(number, size)
    result = await DBOSRunner.run(looker, question(0))
    return str(result.final_output)
