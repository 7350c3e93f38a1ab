"""Passes what frameworks and DBOS report from a fork's workflow to the branch of that fork."""

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
    """Passes everything that a workflow is about to do to the branch of its fork, and unwinds it if the fork is over.

    It implements :class:`refork.frameworks.protocol.Watcher` for frameworks and ``StepWatcher`` for DBOS's steps. Every
    method is called in the workflow, on whatever thread or event loop DBOS runs it. Code outside of forks is not
    affected.
    """

    def __init__(self, engine: Engine, host: ForkHost) -> None:
        self._engine = engine
        self._host = host

    async def on_model_call(self, call: ModelCall) -> ModelCall | None:
        """Return the call to make instead of this one; None to leave it as it is.

        Called by the framework for every model call, before DBOS looks for its checkpoint.
        """
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
                f"agent {call.request.agent!r} calls its model within a tool or a step, or outside of every fork: "
                "answers to such calls are not cached, and no call may be made offline; run without offline, with a key"
            )

    @property
    def offline(self) -> bool:
        return self._host.limits.answers.mode is AnswersMode.OFFLINE

    def next_step_name(self) -> str | None:
        """Return the recorded name of the step that the calling fork replays next; None from its fork point on."""
        fork_state = self._engine.fork_state_here()
        if fork_state is None or fork_state.arrived or fork_state.closed:
            return None
        return fork_state.recorded.get(self._engine.next_step())

    def replaying(self) -> Replaying | None:
        """Return the position of the calling fork in its recorded run; None outside of forks, and inside a step."""
        fork_state = self._engine.fork_state_here()
        if fork_state is None or self._engine.within_step():
            return None
        order = self._host.order(fork_state.run_id)
        return Replaying(
            run_id=fork_state.run_id, here=self._engine.next_step(), steps=order.steps, last=order.last
        )

    def variant(self, agent: str | None) -> Variant | None:
        """Return the variant that the calling fork tries for an agent from its start on; None for ``current``."""
        branch = self._branch_here()
        return None if branch is None else branch.variant(agent)

    def variant_of(self, step: str) -> Variant | None:
        branch = self._branch_here()
        return None if branch is None else branch.variant_of(step)

    async def call_tool(self, name: str, arguments: Any, invoke: Callable[[], Awaitable[Any]]) -> Any:
        """Return the result of a model's tool call: of the tool itself, or what the tool policy says instead."""
        branch = self._branch_here()
        self._check_over(branch)
        if branch is None or self._engine.within_step():
            return await invoke()
        try:
            return await branch.call_tool(name, arguments, invoke)
        except ToolDeniedError:
            raise self._engine.stop(branch.fork_state.run_id) from None

    def on_step(self, step: StepCall) -> Instead | None:
        """Return the function to run instead of a synchronous step that is about to start; None for its own."""
        branch = self._branch_here()
        found = self._in_place_of(branch, step)
        instead = run_on_event_loop(found) if isinstance(found, Coroutine) else found
        self._check_over(branch)
        return instead

    async def on_async_step(self, step: StepCall) -> Instead | None:
        """Return the function to run instead of an asynchronous step that is about to start; None for its own."""
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
        """Hold back a synchronous step that has ended, if others ran concurrently. Never blocks an event loop."""
        fork_state = self._engine.fork_state_here()
        if fork_state is None or on_event_loop():
            return
        if self._host.order(fork_state.run_id).hold_thread(
            step.number, self._last_drawn, lambda: fork_state.closed
        ):
            self._check_closed(fork_state)

    async def after_async_step(self, step: StepCall) -> None:
        """Hold back an asynchronous step that has ended, if others ran concurrently."""
        fork_state = self._engine.fork_state_here()
        if fork_state is None:
            return
        if await self._host.order(fork_state.run_id).hold(
            step.number, self._last_drawn, lambda: fork_state.closed
        ):
            self._check_closed(fork_state)

    def _check_closed(self, fork_state: ForkState) -> None:
        """Stop code whose workflow has ended: DBOS no longer knows that it was part of it, and would not stop it."""
        if fork_state.closed:
            raise self._engine.stop(fork_state.run_id)

    def _last_drawn(self) -> int:
        return self._engine.next_step() - 1

    def on_orphan(self) -> None:
        """Stop code that a fork's workflow left behind, such as a task that nobody awaits."""
        fork_state = self._engine.fork_state_here()
        if fork_state is not None:
            raise self._engine.stop(fork_state.run_id)

    def _check_over(self, branch: Branch | None) -> None:
        """Unwind the workflow if its fork is over."""
        if branch is not None and branch.fork_state.closed:
            raise self._engine.stop(branch.fork_state.run_id)

    def _branch_here(self) -> Branch | None:
        fork_state = self._engine.fork_state_here()
        return None if fork_state is None else self._host.branch(fork_state.run_id)

    def moment(self) -> datetime | None:
        """Return the recorded time of the calling fork; None for the real time."""
        fork_state = self._engine.fork_state_here()
        return None if fork_state is None else self._host.moment(fork_state.run_id)
