"""Handles what a tail does besides calling models: the tool policy decides about tools, steps and DBOS operations."""

import inspect
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from refork.dbos.replay.admission import ForkState
from refork.dbos.replay.child_calls import arguments_here
from refork.errors import ReforkError, ToolDeniedError, ValueNotPortableError
from refork.fork.branches.branch import Instead
from refork.fork.branches.tool_results import RecordedToolResults
from refork.fork.tails.tail_outcome import TailOutcome
from refork.fork.tails.tool_access import ToolAccess
from refork.fork.tails.trajectory_recorder import TrajectoryRecorder
from refork.fork.tails.user import ConversationOverError, User
from refork.frameworks.protocol import StepCall
from refork.records import Step
from refork.tool_policy import DBOS_PREFIX, RECEIVE
from refork.tool_policy.recorded_arguments import UNKNOWN
from refork.values import encode


class TailActions:
    """Lets tools, steps and operations of one tail act, answers them, or ends the trial.

    Called in the fork's workflow, on DBOS's threads and event loops. ``next_step`` returns the number that the next
    operation of the calling workflow will get.
    """

    def __init__(
        self,
        fork_state: ForkState,
        *,
        tool_results: RecordedToolResults,
        access: ToolAccess,
        user: User,
        trajectory: TrajectoryRecorder,
        outcome: TailOutcome,
        next_step: Callable[[], int],
    ) -> None:
        self._fork_state = fork_state
        self._tool_results = tool_results
        self._access = access
        self._user = user
        self._trajectory = trajectory
        self._outcome = outcome
        self._next_step = next_step

    async def call_tool(self, name: str, arguments: Any, invoke: Callable[[], Awaitable[Any]]) -> Any:
        """Return the result of a tool call, as the policy decides. Raises ToolToldError with a text for the model."""
        arguments = _parsed(arguments)
        replays = not self._fork_state.arrived and self._tool_results.is_step(name)
        if replays or self._fork_state.closed or self._access.granted:
            return await invoke()
        if not self._fork_state.arrived:
            return await self._acting(name, arguments, invoke)
        is_user = self._user.answers(name)
        place = self._trajectory.tool(self._next_step(), name, arguments, user=is_user)
        try:
            output = await (
                self._answer_of_user(name, arguments) if is_user else self._acting(name, arguments, invoke)
            )
        except Exception as error:
            self._trajectory.tool_ended(place, error=error)
            raise
        self._trajectory.tool_ended(place, output)
        return output

    def in_place_of(self, step: StepCall) -> Coroutine[Any, Any, Instead | None] | Instead | None:
        """Return the function to run instead of a step that is no model call; None for the step's own.

        Returns None, too, after ending the trial because the step may not act.
        """
        inside = self._access.granted
        tool = self._access.tool_of(step)
        is_user = not inside and self._user.answers(tool or step.name)
        self._trajectory.step(step, tool=tool, inside=inside, user=is_user)
        self._fork_state.schedule(step.number, step.name)
        if is_user:
            return self._step_of_user(step, tool or step.name)
        try:
            return None if inside else self._access.step(step)
        except ToolDeniedError as denied:
            self._outcome.fail(denied)
            return None

    def on_operation(self, number: int, name: str) -> Step | None:
        """Return the recorded step that answers an operation: a child workflow, or one such as ``DBOS.send``.

        Returns None if DBOS is to run the operation, or to refuse it because the trial has ended.
        """
        if self._access.granted:
            self._fork_state.schedule(number, name)
            return None
        if name == RECEIVE:
            return self._received(number)
        try:
            recorded = self._access.operation(name, _started_with(name))
        except ToolDeniedError as denied:
            self._outcome.fail(denied)
            return None
        if recorded is None:
            self._fork_state.schedule(number, name)
        return recorded

    def _received(self, number: int) -> Step | None:
        """Return the user's turn as a step; None if the trial ends here."""
        try:
            turn = self._user.turn(number, self._outcome.turns)
        except ConversationOverError:
            self._outcome.conclude()
            return None
        except ReforkError as problem:  # denied, or the stub that stands for the user raised
            self._outcome.fail(problem)
            return None
        self._trajectory.turn(number, turn)
        return turn

    async def _answer_of_user(self, name: str, arguments: Any) -> Any:
        """Return what the user says to a tool that asks. Raises ToolDeniedError if the trial is over."""
        said = await self._hear_user(name, arguments if isinstance(arguments, Mapping) else {})
        if said is None:
            raise ToolDeniedError("the conversation is over")
        return said()

    async def _step_of_user(self, step: StepCall, name: str) -> Instead | None:
        """Return a function that answers a step that asks the user; None if the trial ends here."""
        said = await self._hear_user(name, step.arguments)
        if said is None:
            return None

        def answer(*_args: Any, **_kwargs: Any) -> Any:
            return said()

        async def answer_async(*_args: Any, **_kwargs: Any) -> Any:
            return said()

        return answer_async if inspect.iscoroutinefunction(step.function) else answer

    async def _hear_user(self, name: str, arguments: Mapping[str, Any]) -> Callable[[], Any] | None:
        """Return a function that gives the user's turn; None if the trial ends here."""
        try:
            return await self._user.answer(name, arguments, self._outcome.turns)
        except ConversationOverError:
            self._outcome.conclude()
        except ReforkError as problem:  # the stub that stands for the user raised
            self._outcome.fail(problem)
        return None

    async def _acting(self, name: str, arguments: Any, invoke: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await self._access.call(name, arguments, invoke)
        except ToolDeniedError as denied:
            self._outcome.fail(denied)
            raise


def _started_with(name: str) -> Any:
    """Return the encoded arguments of the child workflow that is about to start; UNKNOWN if there are none."""
    found = None if name.startswith(DBOS_PREFIX) else arguments_here()
    if found is None:
        return UNKNOWN
    try:
        return encode({"args": list(found[0]), "kwargs": dict(found[1])})
    except ValueNotPortableError:
        return UNKNOWN


def _parsed(arguments: Any) -> Any:
    """Return a model's text as JSON; unchanged if it is not JSON."""
    try:
        return json.loads(arguments) if isinstance(arguments, str) else arguments
    except (ValueError, RecursionError):
        return arguments
