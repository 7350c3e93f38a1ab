"""A tool step at a fork point: run again with its recorded arguments, under today's code."""

import asyncio
import inspect
from dataclasses import dataclass

from refork.case import Request
from refork.errors import BadInputError
from refork.fork.permits import encoded_arguments
from refork.frameworks import ModelCall, Reply, StepCall
from refork.result import answer_of
from refork.values import encode
from refork.variant import CURRENT, Variant


@dataclass(frozen=True)
class ToolRun:
    """:class:`refork.frameworks.ModelCall` for a step that calls no model: what it returns is the answer."""

    step: StepCall

    @property
    def step_name(self) -> str:
        return self.step.name

    @property
    def durable(self) -> bool:
        return True

    @property
    def code(self) -> str:
        return ""

    @property
    def request(self) -> Request:
        return Request(input=encoded_arguments(self.step))

    def changed(self, variant: Variant) -> ModelCall:
        if variant.name != CURRENT:
            raise BadInputError(
                f"variant {variant.name!r}: step {self.step.number} ({self.step.name!r}) is no model call, "
                "so there is no prompt to change; only 'current' runs there"
            )
        return self

    async def send(self) -> Reply:
        function, args, kwargs = self.step.function, self.step.args, self.step.kwargs
        if inspect.iscoroutinefunction(function):
            output = await function(*args, **kwargs)
        else:
            output = await asyncio.to_thread(function, *args, **kwargs)
        return Reply(answer=answer_of(output), raw=encode(output))
