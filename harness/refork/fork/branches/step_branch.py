"""A fork in ``step`` scope: it waits at the fork point, and runs trials there side by side, each a step of it."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Final

from refork.dbos.evals_database.interrupted_forks import InterruptedFork
from refork.dbos.replay.admission import ForkState, Refusal
from refork.errors import ForkError, ReforkError
from refork.fork.attempts import trial_error
from refork.fork.branches.branch import Branch, ended_early, misfit, stale, unrecorded
from refork.fork.branches.step_trials import StepTrials
from refork.fork.branches.tool_results import RecordedToolResults
from refork.fork.branches.trial_queue import TrialQueue
from refork.fork.trials.scheduled_trial import AnswerRecorder, ScheduledTrial
from refork.fork.trials.trial_step import Limits
from refork.frameworks.protocol import ModelCall, StepCall
from refork.records import Case
from refork.records.variant import Variant
from refork.redaction.error_text import summary
from refork.tool_policy import Action, ToolPolicy

IDLE_SECONDS: Final = 0.05

WholeStep = Callable[[StepCall], ModelCall | None]


class StepBranch(Branch):
    """Runs the trials of one case at its fork point, or those of one variant of it.

    ``only`` is the variant that the fork was made for, None where each trial's call is changed in place.
    ``whole_step`` gives the model call of a step at the fork point.

    ``add``, ``close``, ``stop`` and ``wait`` are called by who drives the case, from any thread.
    """

    def __init__(
        self,
        case: Case,
        fork_state: ForkState,
        keeper: AnswerRecorder,
        limits: Limits,
        *,
        told: RecordedToolResults,
        policy: ToolPolicy,
        whole_step: WholeStep,
        only: Variant | None = None,
        leftover: InterruptedFork | None = None,
    ) -> None:
        super().__init__(fork_state, told, policy)
        self._case = case
        self._keeper = keeper
        self._limits = limits
        self.point = case.fork_point.name
        self._whole_step = whole_step
        self._only = only
        self._leftover = leftover
        self._queue = TrialQueue(on_idle=self._close_and_finish)

    @property
    def run_id(self) -> str:
        return self.fork_state.run_id

    @property
    def arrived(self) -> bool:
        return self.fork_state.arrived

    @property
    def longest_running(self) -> float:
        """Seconds for which the oldest of the trials in flight has been running."""
        return self._queue.longest_running

    def add(self, planned: Sequence[ScheduledTrial]) -> None:
        self._queue.add(planned)

    def close(self) -> None:
        self._queue.close()

    def stop(self) -> Sequence[ScheduledTrial]:
        return self._queue.stop()

    def wait(self, seconds: float | None = None) -> bool:
        return self.over.wait(seconds)

    def variant(self, agent: str | None) -> Variant | None:
        tried = self._only
        if tried is None or not tried.changes_call or agent not in (None, self._case.agent):
            return None
        return tried

    async def on_model_call(self, number: int, call: ModelCall) -> ModelCall | None:
        """Run the trials where this call is the one at the fork point, and wait for the end of the fork.

        Always None: when this returns from the fork point, the fork is closed and the workflow is unwound.
        """
        fork_state = self.fork_state
        if call.durable and number < fork_state.fork_point:
            return None
        if not fork_state.arrived:
            if not call.durable:
                self.fail(unrecorded(call))
            elif number > fork_state.fork_point:
                return None  # DBOS asks for the step, and it is refused
            else:
                await _ignoring_cancellation(self._arrive_at_fork_point(call), fork_state)
        await self._wait_until_closed()
        return None

    def on_step(self, step: StepCall) -> Coroutine[Any, Any, None] | None:
        if step.number != self.fork_state.fork_point or self.fork_state.arrived:
            return None
        call = self._whole_step(step) if step.name == self._case.fork_point.name else None
        return None if call is None else self._run_in_place_of_step(call)

    async def _run_in_place_of_step(self, call: ModelCall) -> None:
        await _ignoring_cancellation(self._arrive_at_fork_point(call), self.fork_state)
        await self._wait_until_closed()

    async def _wait_until_closed(self) -> None:
        """A call beside the fork point waits as long as the trials take. The fork state is closed by any thread."""
        while not self.fork_state.closed:  # noqa: ASYNC110
            await asyncio.sleep(IDLE_SECONDS)

    def refused(self, refusal: Refusal) -> None:
        self.fail(stale(self._case, refusal))

    def ended(self, error: str | None, _output: str | None) -> None:
        self.fail(ended_early(self._case, error))

    def fail(self, problem: ReforkError) -> None:
        if not self.over.is_set():
            self._give_problem(problem)
        self.fork_state.close()
        with suppress(RuntimeError):  # its loop may be closed by then
            self._queue.wake_up()
        self._finish()

    def _give_problem(self, problem: ReforkError) -> None:
        """Fail the case; or, for what one candidate breaks, its own trials alone."""
        if self._only is None or not self._only.changes_call:
            self._keeper.fail(problem)
            return
        error = trial_error(problem)
        for planned in self._queue.drop_all():
            if planned.result.running() or self._keeper.begin(planned):
                self._keeper.give(planned, planned.said(error=error))

    def _arrive_at_fork_point(self, call: ModelCall) -> Coroutine[Any, Any, None]:
        """Check that the call is the one that was captured. Gives what runs all trials, until the fork is closed."""
        problem = misfit(self._case, call)
        if problem is not None:
            self.fail(problem)
            return _nothing()
        if not self.fork_state.arrive():
            return _nothing()
        trials = StepTrials(
            self._case,
            self.fork_state,
            self._keeper,
            self._limits,
            queue=self._queue,
            call=call,
            is_changed=self._only is not None,
            may_act=self._may_act,
        )
        trials.reserve_again(self._leftover)
        return self._run_trials(trials)

    async def _run_trials(self, trials: StepTrials) -> None:
        batches = self._queue.arrive()
        running: set[asyncio.Task[None]] = set()
        try:
            while batch := await batches.next(lambda: self.fork_state.closed):
                for planned in batch:
                    task = trials.launch(planned)
                    if task is not None:
                        running.add(task)
            if not self.fork_state.closed:
                await asyncio.gather(*running)
        except BaseException as error:
            self.fail(ForkError(f"the fork was cut short while its trials were running: {summary(error)}"))
            raise
        finally:
            for task in running:
                task.cancel()
        self._close_and_finish()

    def _may_act(self, call: ModelCall) -> bool:
        return self.policy.action_for(call.step_name) is Action.LIVE

    def _close_and_finish(self) -> None:
        self.fork_state.close()
        self._finish()

    def _finish(self) -> None:
        self._queue.finish()
        self.over.set()


async def _nothing() -> None:
    """There is nothing to run."""


async def _ignoring_cancellation(trials: Coroutine[Any, Any, None], fork_state: ForkState) -> None:
    """Wait for the trials, although the application may give up waiting for its model, or a sibling fails."""
    running = asyncio.create_task(trials)
    while not running.done():
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            if fork_state.closed:
                raise
