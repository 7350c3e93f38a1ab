"""What the calls of one tail may do, and the functions that stand in for those that may not act."""

import inspect
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from threading import Lock
from typing import Any, Final

from refork.case_files.large_values import is_left_out
from refork.errors import ToolDeniedError, ToolToldError
from refork.fork.branches.branch import Instead
from refork.fork.branches.tool_results import RecordedToolResults
from refork.fork.event_loops import run_on_event_loop
from refork.fork.step_arguments import encoded_arguments, with_id
from refork.frameworks.protocol import StepCall
from refork.records import RecordedError, Run, Step
from refork.tool_policy import DBOS_PREFIX, RECEIVE, Action, ToolPolicy
from refork.tool_policy.canonical_arguments import canonical, shown
from refork.tool_policy.decisions import Decision, Deny, Live, Replay, Stub, decide
from refork.tool_policy.recorded_arguments import UNKNOWN
from refork.tool_policy.recorded_calls import RecordedCalls
from refork.values import RecordedException, decode

READING: Final = frozenset(
    {
        "DBOS.getStatus",
        "DBOS.asyncio_wait",
        "DBOS.listWorkflows",
        "DBOS.listQueuedWorkflows",
        "DBOS.listWorkflowSteps",
        "DBOS.getSchedule",
        "DBOS.listSchedules",
    }
)
"""Operations that only look at the evals database, which holds nothing but forks."""
SLEEP: Final = "DBOS.sleep"
_NO_SLEEP: Final = Step(number=0, name=SLEEP, output=0.0)
"""DBOS keeps when a sleep is over: it was, long ago."""
_granted: ContextVar[bool] = ContextVar("refork_granted", default=False)
_decided: ContextVar[Decision | None] = ContextVar("refork_decided", default=None)
"""What was decided for the step of the tool whose code calls."""


class ToolAccess:
    """Made for each tail: recorded calls are handed out in order."""

    def __init__(
        self,
        run: Run,
        policy: ToolPolicy,
        stubs: Mapping[str, Callable[..., Any]],
        calls: RecordedCalls,
        *,
        told: RecordedToolResults,
        start: int,
        run_id: str,
    ) -> None:
        self.policy = policy
        self._ids = run_id, run.id
        self._stubs = stubs
        self._calls = calls
        self._told = told
        self._tools = {step.name: step.tool for step in run.steps if step.tool is not None}
        self.world: Any = None
        self._lock = Lock()
        self._answered: set[int] = set()
        self._recorded: dict[str, list[Step]] = defaultdict(list)
        for step in run.steps:
            if step.number >= start:
                self._recorded[step.name].append(step)

    @property
    def granted(self) -> bool:
        """Whether the calling code is part of a tool or a step that may act, and so may what it does."""
        return _granted.get()

    def tool_of(self, step: StepCall) -> str | None:
        """The tool whose step this was when the run was recorded."""
        return self._tools.get(step.name)

    async def call(self, name: str, arguments: Any, invoke: Callable[[], Awaitable[Any]]) -> Any:
        """A tool call that a model made. Raises ToolDeniedError, and ToolToldError to be told to the model."""
        if self.policy.action_for(name) is Action.REPLAY:
            told = self._told.take(name, arguments)
            if told is not None:
                return told.output
        as_recorded = with_id(arguments, *self._ids)
        decision = decide(self.policy, self._calls, self._stubs, name, as_recorded)
        if isinstance(decision, Live):
            with _granting():
                return await invoke()
        if isinstance(decision, Replay) and decision.error is not None and self._told.is_step(name):
            # The tool's own handling of what its step raised is the application's code: let it run over that.
            with _deciding(decision):
                return await invoke()
        try:
            answer = self._answer(decision, arguments if isinstance(arguments, Mapping) else {})
        except RecordedException as error:
            raise ToolToldError(error.message) from None
        return await answer if inspect.isawaitable(answer) else answer

    def operation(self, name: str, arguments: Any = UNKNOWN) -> Step | None:
        """The recorded step that answers a child workflow, or an operation of DBOS's own; None to let it act.

        A child workflow is found by what it is started with, encoded. What DBOS keeps no arguments of is answered
        in the order of the run. Raises ToolDeniedError.
        """
        action = self.policy.action_for(name)
        reads = name in READING and action is not Action.DENY
        if reads or (action is Action.LIVE and name.startswith(DBOS_PREFIX)):
            return None
        if action is Action.REPLAY:
            recorded = self._next(name, arguments)
            if recorded is not None:
                return recorded
            if name == SLEEP:
                return _NO_SLEEP
        what = self._missed(name, arguments) if action is Action.REPLAY else f"may not act ({action})"
        raise ToolDeniedError(f"{name} {what}; set it under [tool.refork.tools], or leave it out of the code")

    def received(self) -> Step | None:
        """The user's next recorded turn, None after the last one."""
        return self._next(RECEIVE, UNKNOWN)

    def said(self, name: str) -> Step | None:
        """The user's next recorded turn by a step or a tool of this name, whatever it was called with."""
        steps = {step.number: step for same in self._recorded.values() for step in same if step.user}
        turns = [step for _, step in sorted(steps.items()) if name in (step.name, step.tool)]
        with self._lock:
            turn = next((step for step in turns if step.number not in self._answered), None)
            if turn is not None:
                self._answered.add(turn.number)
        return turn

    def _next(self, name: str, arguments: Any) -> Step | None:
        """The first recorded step of this name that answers, each once: by its arguments where both are known."""
        wanted = None if arguments is UNKNOWN else canonical(with_id(arguments, *self._ids))
        with self._lock:
            for step in self._recorded.get(name, ()):
                known = step.arguments is not None and wanted is not None
                if step.number not in self._answered and (not known or canonical(step.arguments) == wanted):
                    self._answered.add(step.number)
                    return step
        return None

    def _missed(self, name: str, arguments: Any) -> str:
        known = [step.arguments for step in self._recorded.get(name, ()) if step.arguments is not None]
        if arguments is UNKNOWN or not known:
            return "was not recorded so often"
        was = "; ".join(shown(canonical(each), limit=120) for each in known[:3])
        return f"was not recorded with {shown(canonical(arguments), limit=120)}; it was with {was}"

    def step(self, step: StepCall) -> Instead | None:
        """What runs as a step. Raises ToolDeniedError."""
        tool = self.tool_of(step)
        # Where no model made the call, there is nobody to tell.
        policy = self.policy if tool else replace(self.policy, on_miss=None)
        arguments = with_id(encoded_arguments(step), *self._ids)
        known = UNKNOWN if arguments is None else arguments
        decided = _decided.get()
        decision = decided or decide(policy, self._calls, self._stubs, tool or step.name, known)
        if isinstance(decision, Deny) and not decision.tell:
            raise ToolDeniedError(decision.message)
        if isinstance(decision, Live):
            return _live(step)
        return self._standing_in(step, decision)

    def _standing_in(self, step: StepCall, decision: Decision) -> Instead:
        async def answer_async(*_args: Any, **_kwargs: Any) -> Any:
            answer = self._answer(decision, step.arguments)
            return await answer if inspect.isawaitable(answer) else answer

        def answer(*_args: Any, **_kwargs: Any) -> Any:
            answer = self._answer(decision, step.arguments)
            return run_on_event_loop(answer) if isinstance(answer, Coroutine) else answer

        return answer_async if inspect.iscoroutinefunction(step.function) else answer

    def _answer(self, decision: Decision, arguments: Mapping[str, Any]) -> Any:
        """What a call gives that does not act: a coroutine where an asynchronous stub does."""
        if isinstance(decision, Stub):
            return decision.function(**self._with_world(decision.function, arguments))
        return _answer(decision)

    def _with_world(self, function: Callable[..., Any], arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """The arguments of a tool, and the world of the trial for a stub that asks for it."""
        wanted = "world" in inspect.signature(function).parameters and "world" not in arguments
        return {**arguments, "world": self.world} if wanted else arguments


def _live(step: StepCall) -> Instead:
    function = step.function

    async def live_async(*args: Any, **kwargs: Any) -> Any:
        with _granting():
            return await function(*args, **kwargs)

    def live(*args: Any, **kwargs: Any) -> Any:
        with _granting():
            return function(*args, **kwargs)

    return live_async if inspect.iscoroutinefunction(function) else live


def recorded_output(step: Step | Replay) -> Any:
    """What a recorded step gave. Raises what it raised, and ToolDeniedError where that was too large to be kept."""
    if step.error is not None:
        raise _raised(step.error)
    if is_left_out(step.output):
        raise ToolDeniedError(
            f"the output of step {step.number} is too large to be kept past the fork point: "
            "run.json says only how large it was; grant live, or register a stub"
        )
    return decode(step.output)


def _answer(decision: Decision) -> Any:
    match decision:
        case Replay():
            return recorded_output(decision)
        case Deny(tell=True):
            raise ToolToldError(decision.message)
        case _:
            raise ToolDeniedError(getattr(decision, "message", "this call may not act in a rerun"))


def _raised(error: RecordedError) -> BaseException:
    found = None if error.value is None else decode(error.value)
    return found if isinstance(found, BaseException) else RecordedException(error.type, error.message)


@contextmanager
def _deciding(decision: Decision) -> Generator[None]:
    token = _decided.set(decision)
    try:
        yield
    finally:
        _decided.reset(token)


@contextmanager
def _granting() -> Generator[None]:
    token = _granted.set(True)
    try:
        yield
    finally:
        _granted.reset(token)
