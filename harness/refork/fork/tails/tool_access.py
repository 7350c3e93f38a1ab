"""Decides what the calls of one tail may do, and answers those that may not act."""

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
"""Operations that only read the evals database, which contains nothing but forks."""
SLEEP: Final = "DBOS.sleep"
_NO_SLEEP: Final = Step(number=0, name=SLEEP, output=0.0)
"""The record of a sleep that is over: DBOS stores the time at which a sleep ends."""
_granted: ContextVar[bool] = ContextVar("refork_granted", default=False)
_decided: ContextVar[Decision | None] = ContextVar("refork_decided", default=None)
"""The decision about the tool whose code is running, which also holds for the step that this code starts."""


class ToolAccess:
    """Applies the tool policy to the calls of one tail. Made for each tail, because recorded calls are used in order.

    ``start`` is the number of the fork point, ``world`` what the project's ``before_trial`` hook returned.
    """

    def __init__(
        self,
        run: Run,
        policy: ToolPolicy,
        stubs: Mapping[str, Callable[..., Any]],
        calls: RecordedCalls,
        *,
        tool_results: RecordedToolResults,
        start: int,
        run_id: str,
    ) -> None:
        self.policy = policy
        self._ids = run_id, run.id
        self._stubs = stubs
        self._calls = calls
        self._tool_results = tool_results
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
        """True if the calling code is part of a tool or a step that may act: then whatever it does may act, too."""
        return _granted.get()

    def tool_of(self, step: StepCall) -> str | None:
        """Return the tool whose step this was when the run was recorded; None if it was no tool's."""
        return self._tools.get(step.name)

    async def call(self, name: str, arguments: Any, invoke: Callable[[], Awaitable[Any]]) -> Any:
        """Return the result of a model's tool call. Raises ToolDeniedError, and ToolToldError for the model."""
        if self.policy.action_for(name) is Action.REPLAY:
            recorded = self._tool_results.next_result(name, arguments)
            if recorded is not None:
                return recorded.output
        as_recorded = with_id(arguments, *self._ids)
        decision = decide(self.policy, self._calls, self._stubs, name, as_recorded)
        if isinstance(decision, Live):
            with _granting():
                return await invoke()
        if isinstance(decision, Replay) and decision.error is not None and self._tool_results.is_step(name):
            # The tool's own handling of what its step raised is the application's code: let it run over that.
            with _deciding(decision):
                return await invoke()
        try:
            answer = self._answer(decision, arguments if isinstance(arguments, Mapping) else {})
        except RecordedException as error:
            raise ToolToldError(error.message) from None
        return await answer if inspect.isawaitable(answer) else answer

    def operation(self, name: str, arguments: Any = UNKNOWN) -> Step | None:
        """Return the recorded step that answers a child workflow or an operation of DBOS; None to let it act.

        A child workflow is found by its encoded arguments. Operations whose arguments DBOS does not record are answered
        in recorded order. Raises ToolDeniedError.
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
        why = self._missed(name, arguments) if action is Action.REPLAY else f"may not act ({action})"
        raise ToolDeniedError(
            f"{name!r} {why}; set it under [tool.refork.tools], or leave it out of the code"
        )

    def received(self) -> Step | None:
        """Return the user's next recorded turn; None after the last one."""
        return self._next(RECEIVE, UNKNOWN)

    def said(self, name: str) -> Step | None:
        """Return the user's next recorded turn by a step or a tool of this name, whatever its arguments."""
        steps = {step.number: step for same in self._recorded.values() for step in same if step.user}
        turns = [step for _, step in sorted(steps.items()) if name in (step.name, step.tool)]
        with self._lock:
            turn = next((step for step in turns if step.number not in self._answered), None)
            if turn is not None:
                self._answered.add(turn.number)
        return turn

    def _next(self, name: str, arguments: Any) -> Step | None:
        """Return the first unused recorded step of this name. Its arguments must be the same if both are known."""
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
            return "was not recorded that often"
        was = "; ".join(shown(canonical(each), limit=120) for each in known[:3])
        return f"was not recorded with {shown(canonical(arguments), limit=120)}; it was with {was}"

    def step(self, step: StepCall) -> Instead | None:
        """Return the function to run instead of a step. Raises ToolDeniedError."""
        tool = self.tool_of(step)
        # Only a model that made the call can be told of a miss.
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
        """Return the result of a call that does not act; a coroutine if an asynchronous stub answers."""
        if isinstance(decision, Stub):
            return decision.function(**self._with_world(decision.function, arguments))
        return _answer(decision)

    def _with_world(self, function: Callable[..., Any], arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a tool's arguments, with the world of the trial if the stub has a parameter for it."""
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
    """Return the output of a recorded step. Raises what it raised, or ToolDeniedError if the output was left out."""
    if step.error is not None:
        raise _raised(step.error)
    if is_left_out(step.output):
        raise ToolDeniedError(
            f"the output of step {step.number} is not in run.json, because it is too large to be kept past the fork "
            'point: set its tool to "live" under [tool.refork.tools] if it may act, or register a stub'
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
