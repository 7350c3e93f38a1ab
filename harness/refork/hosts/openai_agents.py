"""Lists the names of the OpenAI Agents SDK and its runner for DBOS: model and tool calls are intercepted there."""

from refork.hosts.library import HostLibrary, Internal

_AGENTS = "to know which agent calls the model"
_TOOLS = "to ask the tool policy before a tool acts"

OPENAI_AGENTS = HostLibrary(
    distribution="openai-agents",
    oldest="0.20",
    newest="0.24",
    extra="openai-agents",
    internals=(
        Internal(
            place="agents.models.openai_provider:shared_http_client",
            needed="to call models from forks' loops",
        ),
        Internal(
            place="agents.models.openai_provider:DefaultAsyncHttpx2Client",
            alternatives=("agents.models.openai_provider:DefaultAsyncHttpxClient",),
            needed="to call models from forks' loops",
        ),
        Internal(place="agents.run:AgentRunner.run", needed="to read sessions without writing them"),
        Internal(place="agents.run_internal.run_loop:get_model", needed=_AGENTS),
        *(
            Internal(place=f"agents.run_internal.tool_planning:execute_{tool}", needed=_TOOLS)
            for tool in (
                "apply_patch_calls",
                "computer_actions",
                "custom_tool_calls",
                "local_shell_calls",
                "shell_calls",
            )
        ),
        Internal(place="agents.tool:FunctionTool._is_agent_tool", needed=_TOOLS),
        Internal(place="agents.tool:FunctionTool._tool_origin", needed=_TOOLS),
    ),
)

DBOS_OPENAI_AGENTS = HostLibrary(
    distribution="dbos-openai-agents",
    oldest="0.3",
    newest="0.3",
    extra="openai-agents",
    internals=(
        Internal(place="dbos_openai_agents.runner:DBOSModelWrapper", needed=_AGENTS),
        Internal(place="dbos_openai_agents.runner:Runner", needed=_AGENTS),
        Internal(place="dbos_openai_agents.runner:_create_tool_wrapper", needed=_TOOLS),
        Internal(place="dbos_openai_agents.runner:_model_call_step", needed="to know a model step"),
    ),
)
