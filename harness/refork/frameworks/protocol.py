"""The protocol that the adapter of an agent framework implements.

An adapter explains the checkpoints of a run (:meth:`Framework.describe`), registers the types that its checkpoints
contain (:meth:`Framework.register`), and shows a session every model call before it is made. There are two ways to do
that. Either the adapter patches the framework's own code (:meth:`Framework.intercept`), or a model call is a whole
DBOS step (:meth:`Framework.model_call`). All variants of a case share one fork if a variant changes only the call. If
a variant changes something before the call, each has a fork of its own (:attr:`Framework.forks_per_variant`).
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
    """The meaning of one checkpoint, as far as the framework knows it. ``agent``, ``tool`` and ``model`` are names."""

    kind: StepKind = StepKind.OTHER
    agent: str | None = None
    tool: str | None = None
    usage: Usage | None = None
    answer: Answer | None = None
    model: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The result of a model call: the answer to score, and the JSON that is stored in the fork's checkpoint.

    ``usage`` is in tokens, None if unknown; ``seconds`` is wall time. ``reported`` says that the application itself
    reported the tokens.
    """

    answer: Answer
    raw: Json
    usage: Usage | None = None
    seconds: float = 0.0
    reported: bool = False


class ModelCall(Protocol):
    """A model call that the application is about to make, intercepted before it is made."""

    @property
    def step_name(self) -> str:
        """The name of the DBOS step in which the application would make the call."""
        ...

    @property
    def runs_in_step(self) -> bool:
        """True if the application makes the call in a DBOS step, so that a recorded run contains its answer."""
        ...

    @property
    def request(self) -> Request:
        """The request that is about to be sent."""
        ...

    @property
    def code(self) -> str:
        """A digest of everything else that influences the answer, such as code; empty if nothing does."""
        ...

    def changed(self, variant: Variant) -> "ModelCall":
        """Return the same call with the variant's prompt, model and settings. Raises TemplateError."""
        ...

    async def send(self) -> Reply:
        """Make the call once, without a checkpoint. Raises what the model's client raises."""
        ...


class StepRun(ABC):
    """A :class:`ModelCall` that runs a step's own code, which calls the model over HTTP.

    ``live`` says that the code may also have other side effects.
    """

    live: bool

    @abstractmethod
    def candidate(self) -> Variant | None:
        """Return the variant to apply to the requests that the code sends; None if they already contain it.

        Called in the context of the code.
        """

    @abstractmethod
    def running(self) -> AbstractContextManager[Callable[[], None]]:
        """Return a context that is open while the code runs.

        It yields a function to call at the end of the code, which raises BadInputError if the code sent no request
        that used the candidate.
        """


@dataclass(frozen=True, kw_only=True, eq=False)
class StepCall:
    """A DBOS step that a workflow is about to start, intercepted before DBOS looks for its checkpoint.

    ``function`` is the step's own function, without the decorator; DBOS would store its result.
    """

    number: int
    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of the function by name, or by position if they do not fit its signature."""
        try:
            bound = inspect.signature(self.function).bind(*self.args, **self.kwargs)
        except (TypeError, ValueError):
            return {str(place): value for place, value in enumerate(self.args)} | dict(self.kwargs)
        return dict(bound.arguments)


@dataclass(frozen=True, kw_only=True)
class ToolResult:
    """A tool call and its result in a request. ``id`` is the id of the call.

    ``output`` is what the tool's function can return so that the model gets the same result, usually a text.
    """

    id: str
    name: str
    arguments: Any
    output: Any


@dataclass(frozen=True, kw_only=True)
class Replaying:
    """A fork whose workflow is about to run step ``here`` of its recorded run.

    ``last`` maps the last part of every step's name to the number of the last such step.
    """

    run_id: str
    here: int
    steps: Sequence[Step]
    last: Mapping[str, int]

    def comes(self, name: str) -> bool:
        """Return whether a step with this last part of its name is still to come."""
        return self.last.get(name, -1) >= self.here

    def next(self, name: str) -> Step | None:
        """Return the next step with exactly this name; None if there is none."""
        begin = bisect_left(self.steps, self.here, key=lambda step: step.number)
        return next((step for step in islice(self.steps, begin, None) if step.name == name), None)


class Watcher(Protocol):
    """A session as a framework sees it. It finds the calling fork by DBOS's own context."""

    async def on_model_call(self, call: ModelCall) -> ModelCall | None:
        """Handle a model call that is about to be made.

        Returns the call to make instead, or None to make it unchanged. Raises to stop the workflow.
        """
        ...

    async def call_tool(self, name: str, arguments: Any, invoke: Callable[[], Awaitable[Any]]) -> Any:
        """Handle a tool call of a model. ``arguments`` are JSON or the model's text.

        Returns the tool's result. Calls ``invoke`` if the tool policy allows it, and always outside of tails. Raises
        ToolToldError if the model gets the error's message as the tool's result.
        """
        ...

    def next_step_name(self) -> str | None:
        """Return the DBOS name of the step that the calling fork replays next.

        Returns None outside of forks, and once the fork has reached its fork point.
        """
        ...

    def replaying(self) -> Replaying | None:
        """Return the fork whose workflow is calling; None outside of forks, and inside a step of one."""
        ...

    @property
    def offline(self) -> bool:
        """True if no model may be called at all. The framework must then report calls wherever they are made."""
        ...

    def variant(self, agent: str | None) -> Variant | None:
        """Return the variant that the calling fork tries for an agent from its start on; None for ``current``.

        Only for frameworks with ``forks_per_variant``; other frameworks get a changed call.
        """
        ...

    def variant_of(self, step: str) -> Variant | None:
        """Return the same for a step without an agent, by its DBOS name: the whole name at the fork point, otherwise
        its last part.
        """
        ...


@runtime_checkable
class Framework(Protocol):
    """The interface between Refork and an agent framework."""

    @property
    def name(self) -> str:
        """The framework's name in ``run.json``."""
        ...

    def recognises(self, step_names: Sequence[str]) -> bool:
        """Return whether this framework made a run with steps of these names."""
        ...

    def describe(self, steps: Sequence[RawStep]) -> Sequence[Description]:
        """Return one description for each step, in order."""
        ...

    def register(self, registry: Registry) -> None:
        """Register the types that the framework's checkpoints contain."""
        ...

    def importable(self) -> AbstractContextManager[None]:
        """Return a context in which the application can be imported and replayed without a key for its model."""
        ...

    def intercept(self, watcher: Watcher) -> AbstractContextManager[None]:
        """Return a context that intercepts the framework's model calls, on all threads and event loops.

        It calls ``watcher.on_model_call`` if the call is not a whole step, and uses ``watcher.variant`` if
        ``forks_per_variant`` is true. If the framework runs tools concurrently, it lets them start in the recorded
        order, which ``watcher.next_step_name`` returns step by step.
        """
        ...

    @property
    def forks_per_variant(self) -> bool:
        """True if each variant needs a fork of its own, because it changes something before the model call.

        False if a variant changes only the call itself, so that all variants of a case share one fork.
        """
        ...

    def tool_results(self, request: Request, /) -> Sequence[ToolResult]:
        """Return the tool calls in a request's ``input`` that have a result. The tools need not be steps."""
        ...

    def model_call(self, step: StepCall, /) -> ModelCall | None:
        """Return the model call that a whole step makes; None if it makes none, or if ``intercept`` reports it.

        Called in the workflow, also for steps of the prefix, so looking at the step must not have side effects.
        """
        ...
