"""The web application."""

import unit_server.agent  # noqa: F401 - registers what the server calls
from mlflow.genai.agent_server import AgentServer

app = AgentServer("ResponsesAgent").app
