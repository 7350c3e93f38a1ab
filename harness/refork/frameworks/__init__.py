"""Agent frameworks: one file each. This page is the protocol that they meet.

A framework tells what the checkpoints of a run mean (:meth:`Framework.describe`), registers the types
that its checkpoints hold (:meth:`Framework.register`), and puts Refork in the place of its model calls
while a session runs (:meth:`Framework.intercept`).
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from refork.case import Answer, Json, Request, StepKind
from refork.usage import Usage
from refork.values import Registry
from refork.variant import Variant


@dataclass(frozen=True, kw_only=True)
class RawStep:
    """A checkpoint as DBOS holds it: ``output`` is the Python object that the step returned."""

    number: int
    name: str
    output: object = None
    error: BaseException | None = None


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a framework can tell of one checkpoint."""

    kind: StepKind = StepKind.OTHER
    tool: str | None = None
    usage: Usage | None = None
    answer: Answer | None = None


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a model call gave back: the answer to score, and the JSON that the fork's checkpoint keeps."""

    answer: Answer
    raw: Json
    usage: Usage | None = None
    seconds: float = 0.0


class ModelCall(Protocol):
    """A model call that the application is about to make, not yet made."""

    @property
    def step_name(self) -> str:
        """The name of the DBOS step in which the application would make it."""
        ...

    @property
    def durable(self) -> bool:
        """Whether the application would make it in a DBOS step, so that a recorded run holds its answer."""
        ...

    @property
    def request(self) -> Request:
        """What is about to be sent."""
        ...

    def changed(self, variant: Variant) -> "ModelCall":
        """The same call with the variant's prompt, model and settings. Raises TemplateError."""
        ...

    async def send(self) -> Reply:
        """Make the call once, without any checkpoint. Raises what the model's client raises."""
        ...


Hook = Callable[[ModelCall], Awaitable[None]]
"""Told of every model call before it is made. Returns to let the call go on; raises to stop it."""


Upcoming = Callable[[], str | None]
"""The DBOS name that the recorded run has for the next step of the calling fork; None outside every fork."""


class Framework(Protocol):
    """What Refork has to know of an agent framework."""

    @property
    def name(self) -> str:
        """As written into ``run.json``."""
        ...

    def recognises(self, step_names: Sequence[str]) -> bool:
        """Whether a run with steps of these names was made by this framework."""
        ...

    def describe(self, steps: Sequence[RawStep]) -> Sequence[Description]:
        """One description for each step, in order."""
        ...

    def register(self, registry: Registry) -> None:
        """Register the types that this framework's checkpoints hold."""
        ...

    def importable(self) -> AbstractContextManager[None]:
        """Let the application be imported and replayed where it has no key for its model."""
        ...

    def intercept(self, hook: Hook, upcoming: Upcoming) -> AbstractContextManager[None]:
        """Call ``hook`` before every model call, in whatever thread and event loop it happens.

        Where a framework runs tools side by side, ``upcoming`` says which of them was first.
        """
        ...


def installed() -> tuple[Framework, ...]:
    """The frameworks that can be imported here."""
    from refork.frameworks.openai_agents import OpenAIAgents  # noqa: PLC0415 - takes half a second

    return (OpenAIAgents(),)
