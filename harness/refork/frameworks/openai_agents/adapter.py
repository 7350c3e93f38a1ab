"""Adapts the OpenAI Agents SDK under DBOS: runs made by ``dbos_openai_agents.DBOSRunner``.

A model call is the DBOS step ``_model_call_step``, and its checkpoint is the SDK's ``ModelResponse``. The
request is not recorded. It is intercepted when the code is about to send it, in ``DBOSModelWrapper.get_response``,
which is called before DBOS looks for a checkpoint.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from agents import ModelResponse

from refork.frameworks.openai_agents.calls import MODEL_STEP, answer_of, tool_results, usage_of
from refork.frameworks.openai_agents.clients import made_without_key
from refork.frameworks.openai_agents.hooks import intercepted
from refork.frameworks.protocol import Description, ModelCall, RawStep, StepCall, ToolResult, Watcher
from refork.records import Request, StepKind
from refork.values import Registry


class OpenAIAgents:
    """The :class:`refork.frameworks.protocol.Framework` for the OpenAI Agents SDK."""

    name = "openai-agents"
    forks_per_variant = False

    def __init__(self) -> None:
        self._latest: tuple[object, Description] | None = None

    def recognises(self, step_names: Sequence[str]) -> bool:
        return MODEL_STEP in step_names

    def describe(self, steps: Sequence[RawStep]) -> Sequence[Description]:
        called_tools: list[str] = []
        described: list[Description] = []
        for step in steps:
            if step.name == MODEL_STEP:
                description = self._model_step(step)
                called_tools = (
                    [call.name for call in description.answer.tool_calls] if description.answer else []
                )
            else:
                description = _describe_other_step(step, called_tools)
            described.append(description)
        return described

    def _model_step(self, step: RawStep) -> Description:
        """Describe a model step. It is described again with each step of the tools that it called."""
        latest = self._latest
        if latest is not None and step.output is not None and latest[0] is step.output:
            return latest[1]
        description = _describe_model_step(step)
        self._latest = (step.output, description)
        return description

    def register(self, registry: Registry) -> None:
        # Keeps which fields were set: the SDK sends a replayed answer's set fields and no others.
        registry.register_pydantic(ModelResponse, name="openai-agents.ModelResponse")

    def importable(self) -> AbstractContextManager[None]:
        return made_without_key()

    def intercept(self, watcher: Watcher) -> AbstractContextManager[None]:
        return intercepted(watcher)

    def tool_results(self, request: Request) -> Sequence[ToolResult]:
        return tool_results(request.input)

    def model_call(self, _step: StepCall) -> ModelCall | None:
        return None


def _describe_model_step(step: RawStep) -> Description:
    if not isinstance(step.output, ModelResponse):
        return Description(kind=StepKind.MODEL)
    return Description(
        kind=StepKind.MODEL, usage=usage_of(step.output), answer=answer_of(step.output, structured=False)
    )


def _describe_other_step(step: RawStep, called_tools: list[str]) -> Description:
    """Describe a step after a model's tool calls: it is a tool's if its name says so, or if only one was called."""
    short = step.name.rsplit(".", 1)[-1]
    tool = short if short in called_tools else called_tools[0] if len(set(called_tools)) == 1 else None
    if tool is None or step.name.startswith("DBOS."):
        return Description()
    return Description(kind=StepKind.TOOL, tool=tool)
