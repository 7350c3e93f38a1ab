"""Adapts Pydantic AI under DBOS: agents run by ``DBOSAgent`` or with the capability ``DBOSDurability``.

A model call is a whole DBOS step, ``<agent>__model.request``, called with the messages, the settings and the
parameters of the request, and its checkpoint is a ``ModelResponse``. The request can therefore be read and changed
where the step starts.
"""

import sys
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from refork.errors import ToolToldError
from refork.frameworks.protocol import Description, ModelCall, RawStep, StepCall, ToolResult, Watcher
from refork.frameworks.pydantic_ai.calls import (
    MODEL_STEPS,
    PydanticAICall,
    agent_of,
    answer_of,
    tool_results,
    usage_of,
)
from refork.records import Request, StepKind
from refork.values import Registry


class PydanticAI:
    """The :class:`refork.frameworks.protocol.Framework` for Pydantic AI."""

    name = "pydantic-ai"
    forks_per_variant = False

    def recognises(self, step_names: Sequence[str]) -> bool:
        return any(name.endswith(MODEL_STEPS) for name in step_names)

    def describe(self, steps: Sequence[RawStep]) -> Sequence[Description]:
        called_tools: list[str] = []
        described: list[Description] = []
        for step in steps:
            if step.name.endswith(MODEL_STEPS):
                answer = answer_of(step.output)
                called_tools = [call.name for call in answer.tool_calls] if answer else []
                described.append(
                    Description(
                        kind=StepKind.MODEL,
                        agent=agent_of(step.name),
                        usage=usage_of(step.output),
                        answer=answer,
                    )
                )
            else:
                described.append(_describe_other_step(step, called_tools))
        return described

    def register(self, registry: Registry) -> None:
        from pydantic import TypeAdapter  # noqa: PLC0415
        from pydantic_ai.messages import ModelResponse  # noqa: PLC0415 - takes a second to import
        from pydantic_ai.run import AgentRunResult  # noqa: PLC0415

        responses = TypeAdapter(ModelResponse)
        registry.register(
            ModelResponse,
            name="pydantic-ai.ModelResponse",
            encode=lambda response: responses.dump_python(response, mode="json"),
            decode=responses.validate_python,
        )
        # Only the output of a run's result is a value; the rest of it is the run's messages.
        registry.register(
            AgentRunResult,
            name="pydantic-ai.AgentRunResult",
            encode=lambda result: result.output,
            decode=AgentRunResult,
        )

    def importable(self) -> AbstractContextManager[None]:
        return nullcontext()

    def intercept(self, watcher: Watcher) -> AbstractContextManager[None]:
        # Another application need not wait for its import.
        return _reporting_tool_calls(watcher) if "pydantic_ai" in sys.modules else nullcontext()

    def tool_results(self, request: Request) -> Sequence[ToolResult]:
        return tool_results(request.input)

    def model_call(self, step: StepCall) -> ModelCall | None:
        if not step.name.endswith(MODEL_STEPS) or "messages" not in step.arguments:
            return None
        return PydanticAICall(step)


def _describe_other_step(step: RawStep, called_tools: Sequence[str]) -> Description:
    """Describe a step after a model's tool calls: it is a tool's if its name says so, or if only one was called."""
    short = step.name.rsplit(".", 1)[-1]
    tool = short if short in called_tools else called_tools[0] if len(set(called_tools)) == 1 else None
    if tool is None or step.name.startswith("DBOS."):
        return Description()
    return Description(kind=StepKind.TOOL, tool=tool)


@contextmanager
def _reporting_tool_calls(watcher: Watcher) -> Generator[None]:
    """Pass every call of a function tool to ``watcher`` first, because a tool that is no step runs in every replay."""
    from pydantic_ai.toolsets import FunctionToolset  # noqa: PLC0415 - takes a second to import

    toolset: Any = FunctionToolset
    original = toolset.call_tool

    async def call_tool(self: Any, name: str, tool_args: dict[str, Any], ctx: Any, tool: Any) -> Any:
        try:
            return await watcher.call_tool(
                name, tool_args, lambda: original(self, name, tool_args, ctx, tool)
            )
        except ToolToldError as error:
            return str(error)

    toolset.call_tool = call_tool
    try:
        yield
    finally:
        toolset.call_tool = original
