"""The base class of branches, which drive one DBOS fork each, and the errors of forks that are stale."""

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


class Branch(ABC):
    """Decides what the workflow of one fork may do, and ends the fork.

    The session's :class:`ForkWatcher` calls the methods ``on_...``, ``variant...`` and ``call_tool`` in the workflow,
    on whatever thread or event loop DBOS runs it. DBOS's threads call ``refused`` and ``ended``. The watchdog's thread
    and the session may call ``fail`` at any time. Once ``fork_state`` is closed, the workflow is unwound at its next
    call of the watcher, whatever the branch returned.

    ``tool_results`` answers tools that are no steps. ``over`` is set when nothing more will happen in the fork.
    ``point`` is the DBOS name of the step at the fork point; None in a replay of a whole run.
    """

    def __init__(self, fork_state: ForkState, tool_results: RecordedToolResults, policy: ToolPolicy) -> None:
        self.fork_state = fork_state
        self.tool_results = tool_results
        self.policy = policy
        self.over = Event()
        self.point: str | None = None

    @abstractmethod
    async def on_model_call(self, number: int, call: ModelCall) -> ModelCall | None:
        """Return the call to make instead of one that is about to be made.

        ``number`` is the number that the call's step gets, if the call runs in a step. Returns None to leave the call
        as it is: then DBOS answers it from its checkpoint, or refuses it.
        """

    @abstractmethod
    def on_step(self, step: StepCall) -> "Coroutine[Any, Any, Instead | None] | Instead | None":
        """Return the function to run instead of a step that is about to start.

        Returns a coroutine of that function if the branch has to wait first. Returns None to leave the step as it is:
        then DBOS answers it from its checkpoint, runs its own code, or refuses it.
        """

    def on_scheduled_step(self, _step: StepCall) -> "Instead | None":
        """Return the same for a step that was scheduled before it started, by ``on_model_call``."""
        return None

    @abstractmethod
    def variant(self, agent: str | None, /) -> Variant | None:
        """Return the variant that the fork tries for an agent from its start on; None for ``current``.

        ``agent`` is None if the caller does not know it.
        """

    def variant_of(self, step: str) -> Variant | None:
        """Return the same for a step that belongs to no agent, by the step's DBOS name."""
        return self.variant(None if step == self.point else last_part(step))

    async def call_tool(self, name: str, arguments: Any, invoke: Callable[[], Awaitable[Any]]) -> Any:
        """Return the result of a tool call that a model made.

        A tool that is a DBOS step is invoked, and DBOS answers it. Any other gets its recorded result. Raises
        ToolDeniedError, and ends the fork, if no result was recorded and the tool may not act.
        """
        if self.tool_results.is_step(name):
            return await invoke()
        recorded = self.tool_results.next_result(name, arguments)
        if recorded is not None:
            return recorded.output
        if self.policy.action_for(name) is Action.LIVE:
            return await invoke()
        denied = ToolDeniedError(
            f"the result of tool {name!r} was not recorded, because it is not a DBOS step, and a replay would act: "
            f'make it a DBOS step, or set {name} = "live" under [tool.refork.tools] if it may act'
        )
        self.fail(denied)
        raise denied

    @abstractmethod
    def refused(self, refusal: Refusal) -> None:
        """Handle an operation of the workflow that was stopped before it started, because it was not recorded."""

    @abstractmethod
    def ended(self, error: str | None, output: str | None, /) -> None:
        """Handle the end of the workflow: ``error`` is one line, ``output`` the serialized result if it returned."""

    @abstractmethod
    def fail(self, problem: ReforkError) -> None:
        """End the fork with an error: nothing more can be measured in it."""


def unrecorded(call: ModelCall) -> ForkError:
    """Return the error of a model call that does not run in a DBOS step."""
    return ForkError(
        f"the code calls the model of agent {call.request.agent!r} outside of every DBOS step, so that its "
        "answer is not recorded and a replay would pay for another; run that agent with DBOSRunner, or in a step"
    )


def misfit(case: Case, call: ModelCall) -> StaleError | None:
    """Return why this model call is not the one at the case's fork point; None if it is."""
    point, agent = case.fork_point, call.request.agent
    if call.step_name != point.name:
        return stale(case, Refusal(number=point.number, reached=call.step_name, recorded=point.name))
    if case.agent is not None and agent is not None and agent != case.agent:
        return StaleError(
            f"the code no longer reaches the fork point, {_named(point)}: it was a call of agent {case.agent!r} when "
            f"the run was recorded, the code calls agent {agent!r} there; {StaleError.ADVICE}"
        )
    return None


def stale(case: Case, refusal: Refusal) -> StaleError:
    """Return the error of a fork whose code reached an operation that was not recorded there."""
    point = case.fork_point
    if refusal.recorded is None:
        recorded = f"the recorded run has no step {refusal.number}"
    else:
        recorded = f"step {refusal.number} was {refusal.recorded!r} when the run was recorded"
    return StaleError(
        f"the code no longer reaches the fork point, {_named(point)}: {recorded}, "
        f"the code reached {refusal.reached!r} there; nothing of it has run; {StaleError.ADVICE}"
    )


def ended_early(case: Case, error: str | None) -> StaleError:
    """Return the error of a fork whose workflow ended before the fork point. ``error`` is None if it returned."""
    how = "it returned" if error is None else f"it raised {error}"
    return StaleError(
        f"the code no longer reaches {_named(case.fork_point)}: {how} before; {StaleError.ADVICE}"
    )


def _named(step: Step) -> str:
    return f"step {step.number} ({step.name!r})"
