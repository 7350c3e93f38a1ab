"""Reruns a step at a fork point whose model call no framework describes: its own code with its arguments."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from refork.errors import BadInputError
from refork.fork.step_arguments import encoded_arguments
from refork.frameworks.plain_dbos.adapter import called, is_changed
from refork.frameworks.plain_dbos.step_code import code_of
from refork.frameworks.protocol import ModelCall, Reply, StepCall, StepRun
from refork.records import Request
from refork.records.variant import CURRENT, Variant
from refork.records.workflow_result import answer_of
from refork.values import encode


@dataclass(frozen=True)
class ToolRun(StepRun):
    """A :class:`refork.frameworks.protocol.StepRun` of any step: the answer is what the step returns.

    ``live`` says that the step may act. ``tried`` is the candidate for the requests that it sends to a model; None for
    ``current``.
    """

    step: StepCall
    live: bool = True
    tried: Variant | None = None

    @property
    def step_name(self) -> str:
        return self.step.name

    @property
    def runs_in_step(self) -> bool:
        return True

    @property
    def code(self) -> str:
        return "" if self.live else code_of(self.step.function)

    @property
    def request(self) -> Request:
        return Request(input=encoded_arguments(self.step))

    def changed(self, variant: Variant) -> ModelCall:
        return self if variant.name == CURRENT else replace(self, tried=variant)

    def candidate(self) -> Variant | None:
        return self.tried

    async def send(self) -> Reply:
        with self.running() as check:
            output = await called(self.step)
            check()
        return Reply(answer=answer_of(output), raw=encode(output))

    @contextmanager
    def running(self) -> Generator[Callable[[], None]]:
        yield self._check_tried

    def _check_tried(self) -> None:
        if self.tried is not None and not is_changed():
            raise BadInputError(
                f"variant {self.tried.name!r} was not used: step {self.step.number} ({self.step.name!r}) sent no "
                "request to a model that could be seen, so there is no prompt to change; measure only 'current' there"
            )
