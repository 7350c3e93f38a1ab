"""What an agent framework is to Refork: the protocol that each adapter meets.

A framework tells what the checkpoints of a run mean (:meth:`Framework.describe`), registers the types
that its checkpoints hold (:meth:`Framework.register`), and shows a session every model call before it is
made: either it stands in the framework's own code (:meth:`Framework.intercept`), where variants can be tried
side by side in one fork, or a model call is a whole DBOS step (:meth:`Framework.model_call`), and what a
variant changes lies before it, so that each variant has a fork of its own.
"""

import inspect
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol, runtime_checkable

from refork.records import Answer, Json, Request, Step, StepKind
from refork.records.usage import Usage
from refork.records.variant import Variant
from refork.values import Registry


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
    agent: str | None = None
    tool: str | None = None
    usage: Usage | None = None
    answer: Answer | None = None
    model: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a model call gave back: the answer to score, and the JSON that the fork's checkpoint keeps.

    ``reported`` says that the application itself told its tokens.
    """

    answer: Answer
    raw: Json
    usage: Usage | None = None
    seconds: float = 0.0
    reported: bool = False


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

    @property
    def code(self) -> str:
        """What decides the answer beside the request: a digest that changes with it, empty where nothing does."""
        ...

    def changed(self, variant: Variant) -> "ModelCall":
        """The same call with the variant's prompt, model and settings. Raises TemplateError."""
        ...

    async def send(self) -> Reply:
        """Make the call once, without any checkpoint. Raises what the model's client raises."""
        ...


class StepRun(ABC):
    """What a :class:`ModelCall` is, too, that runs a step's own code: the model is asked in there, over HTTP.

    ``live`` says that the code may do what else it does.
    """

    live: bool

    @abstractmethod
    def candidate(self) -> Variant | None:
        """What is to be tried in the requests that the code sends; None where that stands in them already.

        Called in the context of the code.
        """

    @abstractmethod
    def running(self) -> AbstractContextManager[Callable[[], None]]:
        """Stand around the code while it runs. What it gives is called at the code's end, and raises BadInputError
        where a candidate was asked for by nothing that the code did."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StepCall:
    """A DBOS step that a workflow is about to start, seen before DBOS looks for its checkpoint.

    ``function`` is the step's own, not decorated; its result is what DBOS would keep.
    """

    number: int
    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def arguments(self) -> dict[str, Any]:
        """What the function is called with, by name; by position where it takes no such arguments."""
        try:
            bound = inspect.signature(self.function).bind(*self.args, **self.kwargs)
        except (TypeError, ValueError):
            return {str(place): value for place, value in enumerate(self.args)} | dict(self.kwargs)
        return dict(bound.arguments)


@dataclass(frozen=True, kw_only=True)
class ToolResult:
    """A tool call and what the model was told of it, as a request holds them. ``id`` is the call's own.

    ``output`` is what the tool's function may return for the model to be told the same: mostly a text.
    """

    id: str
    name: str
    arguments: Any
    output: Any


@dataclass(frozen=True, kw_only=True)
class Replaying:
    """A fork whose workflow is about to take step ``here`` of its recorded run.

    ``last`` maps the last part of every step's name to the number of the last such step.
    """

    run_id: str
    here: int
    steps: Sequence[Step]
    last: Mapping[str, int]

    def comes(self, name: str) -> bool:
        """Whether a step with this last part of its name is still to come."""
        return self.last.get(name, -1) >= self.here

    def next(self, name: str) -> Step | None:
        """The next step of this whole name."""
        begin = bisect_left(self.steps, self.here, key=lambda step: step.number)
        return next((step for step in islice(self.steps, begin, None) if step.name == name), None)


class Watcher(Protocol):
    """The session, as a framework sees it. It knows which fork calls by DBOS's own context."""

    async def on_model_call(self, call: ModelCall) -> ModelCall | None:
        """To be told of every model call before it is made.

        Returns the call to make in its place, None to let it go on as it is; raises to stop it.
        """
        ...

    async def call_tool(self, name: str, arguments: Any, invoke: Callable[[], Awaitable[Any]]) -> Any:
        """To be told of every tool call that a model made, with its arguments as JSON or as the model's text.

        Gives what the tool gives: ``invoke`` is called where the tool policy lets it act, and always outside
        of tails. Raises ToolToldError where the model is to be told its message in the place of an answer.
        """
        ...

    def upcoming(self) -> str | None:
        """The recorded DBOS name of the step that the calling fork does next; None outside every fork."""
        ...

    def replaying(self) -> Replaying | None:
        """The fork whose workflow calls. None outside of forks, and within a step of one."""
        ...

    @property
    def offline(self) -> bool:
        """Whether no model may be called at all: then it is to be told of calls in whatever place."""
        ...

    def variant(self, agent: str | None) -> Variant | None:
        """What the calling fork tries for an agent from its start on: None for the code as it stands.

        For frameworks that ``branch``: the others are given a changed call.
        """
        ...

    def variant_of(self, step: str) -> Variant | None:
        """The same for a step of no agent, by its DBOS name: that of the fork point, and others by their last part."""
        ...


@runtime_checkable
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

    def intercept(self, watcher: Watcher) -> AbstractContextManager[None]:
        """Stand in front of the framework's model calls while it lasts, in whatever thread and event loop.

        Calls ``watcher.on_model_call`` where the call is not a whole step, and asks ``watcher.variant`` where
        ``branches`` says so. Where a framework runs tools side by side, ``watcher.upcoming`` says which of
        them was first.
        """
        ...

    @property
    def branches(self) -> bool:
        """Whether a variant changes what happens before the model call, so that each needs its own fork."""
        ...

    def told(self, request: Request, /) -> Sequence[ToolResult]:
        """The tool calls in a request's ``input`` that have an answer: tools need not be steps."""
        ...

    def model_call(self, step: StepCall, /) -> ModelCall | None:
        """The model call that a whole step makes. None where it makes none, or is told of by ``intercept``.

        Called in the workflow, for steps of the prefix too: looking at the step must have no effect.
        """
        ...
