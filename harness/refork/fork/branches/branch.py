"""One DBOS fork, as the session drives it: what it does when its workflow calls a model, or starts a step."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine
from threading import Event
from typing import Any, TypeAlias

from refork.dbos.replay.admission import ForkState, Refusal
from refork.errors import ForkError, ReforkError, StaleError, ToolDeniedError
from refork.fork.branches.tool_results import RecordedToolResults
from refork.frameworks.protocol import ModelCall, StepCall
from refork.records import Case, Step
from refork.records.variant import Variant
from refork.tool_policy import Action, ToolPolicy, last_part

Instead: TypeAlias = Callable[..., Any]
"""A function that runs in the place of a step's own."""

WHAT_TO_DO = "capture the run again with the code as it is, or bring the step back"


class Branch(ABC):
    """Answers what the fork's workflow is about to do, and is told what the fork comes to.

    Called by the session's :class:`ForkWatcher` in the workflow itself, on whatever thread or event loop DBOS runs it,
    and by DBOS's threads for ``refused`` and ``ended``; ``fail`` by the watchdog, too. Once the fork's state is closed,
    the workflow is unwound where it asks next, whatever it was answered.

    ``over`` is set when it is done with; ``point`` is the DBOS name of the step at its fork point, if a case has one.
    """

    def __init__(self, fork_state: ForkState, told: RecordedToolResults, policy: ToolPolicy) -> None:
        self.fork_state = fork_state
        self.told = told
        self.policy = policy
        self.over = Event()
        self.point: str | None = None

    @abstractmethod
    async def on_model_call(self, number: int, call: ModelCall) -> ModelCall | None:
        """The call to make in the place of one that is about to be made, as step ``number`` where it is durable.

        None lets the call go on as it is: DBOS answers it from its checkpoint, or refuses it.
        """

    @abstractmethod
    def on_step(self, step: StepCall) -> "Coroutine[Any, Any, Instead | None] | Instead | None":
        """What runs in the place of a step that is about to start; a coroutine of that where it takes time to say.

        None lets the step's own code run, unless DBOS answers it from its checkpoint, or refuses it.
        """

    def on_scheduled_step(self, _step: StepCall) -> "Instead | None":
        """The same for a step that was announced to DBOS already, with the model call that it makes."""
        return None

    @abstractmethod
    def variant(self, agent: str | None, /) -> Variant | None:
        """What is tried for an agent from the start of the fork on."""

    def variant_of(self, step: str) -> Variant | None:
        """What is tried for a step of no agent, by its DBOS name."""
        return self.variant(None if step == self.point else last_part(step))

    async def call_tool(self, name: str, arguments: Any, invoke: Callable[[], Awaitable[Any]]) -> Any:
        """A tool call that a model made. One that left no checkpoint is answered as the model was told then.

        Raises ToolDeniedError where nobody knows what that was, and the tool may not act.
        """
        if self.told.is_step(name):
            return await invoke()
        told = self.told.take(name, arguments)
        if told is not None:
            return told.output
        if self.policy.action_for(name) is Action.LIVE:
            return await invoke()
        denied = ToolDeniedError(
            f"tool {name!r} left no checkpoint, so its answer is not on record and a replay would act: "
            f'make it a DBOS step, or set {name} = "live" under [tool.refork.tools] if it may'
        )
        self.fail(denied)
        raise denied

    @abstractmethod
    def refused(self, refusal: Refusal) -> None:
        """An operation was stopped before it started."""

    @abstractmethod
    def ended(self, error: str | None, output: str | None, /) -> None:
        """The workflow came to its own end, with an error's line or its serialized result."""

    @abstractmethod
    def fail(self, problem: ReforkError) -> None:
        """Nothing more can be measured here."""


def unrecorded(call: ModelCall) -> ForkError:
    return ForkError(
        f"the code calls the model of agent {call.request.agent!r} outside of every DBOS step, so that its "
        "answer is not recorded and a replay would pay for another; run that agent with DBOSRunner, or in a step"
    )


def misfit(case: Case, call: ModelCall) -> StaleError | None:
    """What speaks against this model call being the one that was captured."""
    point, agent = case.fork_point, call.request.agent
    if call.step_name != point.name:
        return stale(case, Refusal(number=point.number, reached=call.step_name, recorded=point.name))
    if case.agent is not None and agent is not None and agent != case.agent:
        return StaleError(
            f"step {point.number} was a call of agent {case.agent!r}, the code now calls {agent!r} there; "
            + WHAT_TO_DO
        )
    return None


def stale(case: Case, refusal: Refusal) -> StaleError:
    point = case.fork_point
    if refusal.recorded is None:
        recorded = f"the recorded run has no step {refusal.number}"
    else:
        recorded = f"step {refusal.number} was {refusal.recorded!r} when the run was recorded"
    return StaleError(
        f"the code no longer reaches the fork point, {_named(point)}: {recorded}, "
        f"the code reached {refusal.reached!r} there; nothing of it has run; {WHAT_TO_DO}"
    )


def ended_early(case: Case, error: str | None) -> StaleError:
    """The workflow came to its end without reaching the fork point."""
    how = "it returned" if error is None else f"it raised {error}"
    return StaleError(f"the code no longer reaches {_named(case.fork_point)}: {how} before; {WHAT_TO_DO}")


def _named(step: Step) -> str:
    return f"step {step.number} ({step.name!r})"
