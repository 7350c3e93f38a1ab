"""An agent behind MLflow's agent server: Databricks serves its model, DBOS keeps its steps, MLflow its traces."""

import mlflow
from agents import Agent, function_tool, set_default_openai_api, set_default_openai_client
from agents.tracing import set_trace_processors
from databricks_openai import AsyncDatabricksOpenAI
from dbos import DBOS
from dbos_openai_agents import DBOSRunner
from mlflow.genai.agent_server import invoke
from mlflow.types.responses import ResponsesAgentRequest, ResponsesAgentResponse

INSTRUCTIONS = "Convert units."

set_default_openai_client(AsyncDatabricksOpenAI())
set_default_openai_api("chat_completions")
set_trace_processors([])
mlflow.openai.autolog()


@function_tool
@DBOS.step()
def to_miles(kilometres: float) -> str:
    """Kilometres in miles."""
    return f"{kilometres / 1.609344:.2f} mi"


@DBOS.workflow()
async def convert(messages):
    agent = Agent(
        name="unit converter", instructions=INSTRUCTIONS, model="databricks-small", tools=[to_miles]
    )
    result = await DBOSRunner.run(agent, messages)
    return [item.to_input_item() for item in result.new_items]


@invoke()
async def answer(request: ResponsesAgentRequest) -> ResponsesAgentResponse:
    return ResponsesAgentResponse(output=await convert([item.model_dump() for item in request.input]))
