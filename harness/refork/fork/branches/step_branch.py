"""Drives a fork in ``step`` scope: at the fork point it runs trials concurrently, each as a DBOS step of the fork."""

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
from refork.records.variant import CURRENT, Variant
from refork.redaction.error_text import summary
from refork.tool_policy import Action, ToolPolicy

IDLE_SECONDS: Final = 0.05

WholeStep = Callable[[StepCall], ModelCall | None]


class StepBranch(Branch):
    """Runs the trials of one case at its fork point, or those of one of its variants.

    ``only`` is the variant that the fork was made for; None if the fork serves all variants and each trial changes the
    call. ``whole_step`` returns the model call of a step at the fork point. ``interrupted`` is the fork of a killed
    session that this one continues.

    :class:`refork.fork.case_fork.CaseFork` calls ``add``, ``close``, ``stop`` and ``wait`` from any thread.
    """

    def __init__(
        self,
        case: Case,
        fork_state: ForkState,
        recorder: AnswerRecorder,
        limits: Limits,
        *,
        tool_results: RecordedToolResults,
        policy: ToolPolicy,
        whole_step: WholeStep,
        only: Variant | None = None,
        interrupted: InterruptedFork | None = None,
    ) -> None:
        super().__init__(fork_state, tool_results, policy)
        self._case = case
        self._recorder = recorder
        self._limits = limits
        self.point = case.fork_point.name
        self._whole_step = whole_step
        self._only = only
        self._interrupted = interrupted
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

    def add(self, scheduled: Sequence[ScheduledTrial]) -> None:
        self._queue.add(scheduled)

    def close(self) -> None:
        self._queue.close()

    def stop(self) -> Sequence[ScheduledTrial]:
        return self._queue.stop()

    def wait(self, seconds: float | None = None) -> bool:
        return self.over.wait(seconds)

    def variant(self, agent: str | None) -> Variant | None:
        tried = self._only
        if tried is None or tried.name == CURRENT or agent not in (None, self._case.agent):
            return None
        return tried

    async def on_model_call(self, number: int, call: ModelCall) -> ModelCall | None:
        """Run the trials if this call is the one at the fork point, and wait for the end of the fork.

        Always returns None. When it returns from the fork point, the fork is closed and the workflow is unwound.
        """
        fork_state = self.fork_state
        if call.runs_in_step and number < fork_state.fork_point:
            return None
        if not fork_state.arrived:
            if not call.runs_in_step:
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
        """Wait until another thread closes the fork. A call beside the fork point waits as long as the trials take."""
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
        """Fail the whole case, or only the trials of a candidate that has this fork to itself."""
        if self._only is None or self._only.name == CURRENT:
            self._recorder.fail(problem)
            return
        error = trial_error(problem)
        for scheduled in self._queue.drop_all():
            if scheduled.result.running() or self._recorder.begin(scheduled):
                self._recorder.record(scheduled, scheduled.as_trial(error=error))

    def _arrive_at_fork_point(self, call: ModelCall) -> Coroutine[Any, Any, None]:
        """Check that the call is the one that was captured. Return a coroutine that runs all its trials."""
        problem = misfit(self._case, call)
        if problem is not None:
            self.fail(problem)
            return _nothing()
        if not self.fork_state.arrive():
            return _nothing()
        trials = StepTrials(
            self._case,
            self.fork_state,
            self._recorder,
            self._limits,
            queue=self._queue,
            call=call,
            is_changed=self._only is not None,
            may_act=self._may_act,
        )
        trials.reserve_again(self._interrupted)
        return self._run_trials(trials)

    async def _run_trials(self, trials: StepTrials) -> None:
        batches = self._queue.arrive()
        running: set[asyncio.Task[None]] = set()
        try:
            while batch := await batches.next(lambda: self.fork_state.closed):
                for scheduled in batch:
                    task = trials.launch(scheduled)
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
    """Run nothing."""


async def _ignoring_cancellation(trials: Coroutine[Any, Any, None], fork_state: ForkState) -> None:
    """Wait for the trials to the end, even if the application cancels its model call meanwhile."""
    running = asyncio.create_task(trials)
    while not running.done():
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            if fork_state.closed:
                raise
