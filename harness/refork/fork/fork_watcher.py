"""What frameworks and DBOS ask in the workflows of forks, and which fork answers."""

from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from typing import Any

from refork import http_calls
from refork.answer_cache import AnswersMode
from refork.dbos.instance.engine import Engine
from refork.dbos.replay.admission import ForkState
from refork.errors import AnswerMissingError, ToolDeniedError
from refork.fork.branches.branch import Branch, Instead
from refork.fork.event_loops import on_event_loop, run_on_event_loop
from refork.fork.fork_host import ForkHost
from refork.frameworks.protocol import ModelCall, Replaying, StepCall
from refork.records.variant import Variant


class ForkWatcher:
    """Hands what a workflow is about to do to the branch of its fork, and unwinds a workflow whose fork is over.

    It is the :class:`refork.frameworks.protocol.Watcher` of frameworks and the ``StepWatcher`` of DBOS's steps. Every
    method is called in the workflow that it is about, on whatever thread or event loop DBOS runs that; code outside
    of every fork goes on as if nobody watched.
    """

    def __init__(self, engine: Engine, host: ForkHost) -> None:
        self._engine = engine
        self._host = host

    async def on_model_call(self, call: ModelCall) -> ModelCall | None:
        """Told by the framework of every model call, before DBOS looks for its checkpoint."""
        branch = self._branch_here()
        self._check_over(branch)
        if branch is None or self._engine.within_step():
            # A step that is watched is refused, or answered, request by request.
            if http_calls.watch_here() is None:
                self._check_offline(call)
            return None
        changed = await branch.on_model_call(self._engine.next_step(), call)
        self._check_over(branch)
        return changed

    def _check_offline(self, call: ModelCall) -> None:
        if self.offline:
            raise AnswerMissingError(
                f"agent {call.request.agent!r} asks its model within a tool or a step that runs, or outside of "
                "every fork: nothing is kept of that, and no call may be made offline"
            )

    @property
    def offline(self) -> bool:
        return self._host.limits.answers.mode is AnswersMode.OFFLINE

    def next_step_name(self) -> str | None:
        """The recorded name of the step that the calling fork does next. None from its fork point on."""
        fork_state = self._engine.fork_state_here()
        if fork_state is None or fork_state.arrived or fork_state.closed:
            return None
        return fork_state.recorded.get(self._engine.next_step())

    def replaying(self) -> Replaying | None:
        """The fork whose workflow calls, with the recorded steps that it has not come to."""
        fork_state = self._engine.fork_state_here()
        if fork_state is None or self._engine.within_step():
            return None
        order = self._host.order(fork_state.run_id)
        return Replaying(
            run_id=fork_state.run_id, here=self._engine.next_step(), steps=order.steps, last=order.last
        )

    def variant(self, agent: str | None) -> Variant | None:
        """What the calling fork tries for an agent from its start on."""
        branch = self._branch_here()
        return None if branch is None else branch.variant(agent)

    def variant_of(self, step: str) -> Variant | None:
        branch = self._branch_here()
        return None if branch is None else branch.variant_of(step)

    async def call_tool(self, name: str, arguments: Any, invoke: Callable[[], Awaitable[Any]]) -> Any:
        """A tool call that a model made: invoked, or answered as the tool policy says."""
        branch = self._branch_here()
        self._check_over(branch)
        if branch is None or self._engine.within_step():
            return await invoke()
        try:
            return await branch.call_tool(name, arguments, invoke)
        except ToolDeniedError:
            raise self._engine.stop(branch.fork_state.run_id) from None

    def on_step(self, step: StepCall) -> Instead | None:
        """A synchronous step is about to start: what runs in its place."""
        branch = self._branch_here()
        found = self._in_place_of(branch, step)
        instead = run_on_event_loop(found) if isinstance(found, Coroutine) else found
        self._check_over(branch)
        return instead

    async def on_async_step(self, step: StepCall) -> Instead | None:
        """An asynchronous step is about to start: what runs in its place."""
        branch = self._branch_here()
        found = self._in_place_of(branch, step)
        instead = await found if isinstance(found, Coroutine) else found
        self._check_over(branch)
        return instead

    def _in_place_of(
        self, branch: Branch | None, step: StepCall
    ) -> Coroutine[Any, Any, Instead | None] | Instead | None:
        if branch is None:
            return None
        return (
            branch.on_scheduled_step(step)
            if step.number in branch.fork_state.scheduled
            else branch.on_step(step)
        )

    def after_step(self, step: StepCall) -> None:
        """A synchronous step has ended. It is held back where others ran beside it, but never an event loop."""
        fork_state = self._engine.fork_state_here()
        if fork_state is None or on_event_loop():
            return
        if self._host.order(fork_state.run_id).hold_thread(
            step.number, self._last_drawn, lambda: fork_state.closed
        ):
            self._check_closed(fork_state)

    async def after_async_step(self, step: StepCall) -> None:
        """An asynchronous step has ended."""
        fork_state = self._engine.fork_state_here()
        if fork_state is None:
            return
        if await self._host.order(fork_state.run_id).hold(
            step.number, self._last_drawn, lambda: fork_state.closed
        ):
            self._check_closed(fork_state)

    def _check_closed(self, fork_state: ForkState) -> None:
        """Once its workflow has ended, DBOS knows no more that the caller was a part of it, and stops nothing."""
        if fork_state.closed:
            raise self._engine.stop(fork_state.run_id)

    def _last_drawn(self) -> int:
        return self._engine.next_step() - 1

    def on_orphan(self) -> None:
        """What a fork's workflow left behind, such as a task that nobody awaits, does nothing once it is over."""
        fork_state = self._engine.fork_state_here()
        if fork_state is not None:
            raise self._engine.stop(fork_state.run_id)

    def _check_over(self, branch: Branch | None) -> None:
        """Unwinds a workflow whose fork is over."""
        if branch is not None and branch.fork_state.closed:
            raise self._engine.stop(branch.fork_state.run_id)

    def _branch_here(self) -> Branch | None:
        fork_state = self._engine.fork_state_here()
        return None if fork_state is None else self._host.branch(fork_state.run_id)

    def moment(self) -> datetime | None:
        """The recorded time of the fork that the calling code runs in."""
        fork_state = self._engine.fork_state_here()
        return None if fork_state is None else self._host.moment(fork_state.run_id)
