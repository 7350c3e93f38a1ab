"""Drives a fork in ``tail`` scope: one trial, which continues from the fork point to the workflow's end.

Model calls are made. The tool policy decides about everything else that the workflow does.
"""

from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any, Protocol

from refork.dbos.replay.admission import ForkState, Refusal
from refork.errors import ReforkError, ToolDeniedError
from refork.fork.branches.branch import Branch, Instead, ended_early, misfit, stale, unrecorded
from refork.fork.branches.tool_results import RecordedToolResults
from refork.fork.tails.cached_steps import CachedSteps
from refork.fork.tails.tail_actions import TailActions
from refork.fork.tails.tail_model_calls import TailModelCalls
from refork.fork.tails.tail_outcome import TailOutcome
from refork.fork.tails.tool_access import ToolAccess
from refork.fork.tails.trajectory_recorder import TrajectoryRecorder
from refork.fork.tails.user import User
from refork.fork.trials.scheduled_trial import AnswerRecorder, ScheduledTrial
from refork.fork.trials.trial_step import Limits
from refork.frameworks.protocol import Framework, ModelCall, StepCall
from refork.records import Case, Run, Step
from refork.records.variant import CURRENT, Variant
from refork.tool_policy.before_trial import world_of


class TailHost(Protocol):
    """The part of :class:`refork.fork.fork_host.ForkHost` that a tail uses."""

    limits: Limits
    stubs: Mapping[str, Callable[..., Any]]

    @property
    def system_database(self) -> Any: ...

    def next_step(self) -> int:
        """The number that the next operation of the calling workflow will get."""
        ...

    def start_in_turn(self, branch: "TailBranch", run: Run) -> None:
        """Fork ``run`` once the limit of concurrent calls allows it. The tail counts until the branch is over."""
        ...


class TailBranch(Branch):
    """One trial of a case under a variant, from the fork point to the end of the workflow.

    :class:`refork.fork.case_fork.CaseFork` calls ``add``, ``close``, ``stop`` and ``wait`` from any thread. The host
    calls ``begin`` and ``in_its_world`` on the thread that waits for the trial.
    """

    def __init__(
        self,
        case: Case,
        fork_state: ForkState,
        recorder: AnswerRecorder,
        scheduled: ScheduledTrial,
        *,
        tool_results: RecordedToolResults,
        framework: Framework | None,
        access: ToolAccess,
        host: TailHost,
    ) -> None:
        super().__init__(fork_state, tool_results, access.policy)
        self.point = case.fork_point.name
        self._case = case
        self._recorder = recorder
        self._scheduled = scheduled
        self._framework = framework
        self._access = access
        self._host = host
        self._lock = Lock()
        self._begun = self._stopped = False
        self._user = User(access.policy, host.stubs, access)
        cached_steps = CachedSteps(host.limits.answers, case, scheduled.number, fork_state.run_id)
        trajectory = TrajectoryRecorder(framework, cached_steps.usage)
        self._outcome = TailOutcome(
            case,
            fork_state,
            recorder,
            scheduled,
            cached_steps=cached_steps,
            trajectory=trajectory,
            system_database=host.system_database,
            over=self.over,
        )
        self._model_calls = TailModelCalls(
            case,
            fork_state,
            recorder,
            scheduled,
            framework=framework,
            policy=access.policy,
            retries=host.limits.retries,
            cached_steps=cached_steps,
            trajectory=trajectory,
            outcome=self._outcome,
        )
        self._actions = TailActions(
            fork_state,
            tool_results=tool_results,
            access=access,
            user=self._user,
            trajectory=trajectory,
            outcome=self._outcome,
            next_step=host.next_step,
        )

    @property
    def run_id(self) -> str:
        return self.fork_state.run_id

    @property
    def arrived(self) -> bool:
        return self.fork_state.arrived

    @property
    def running_for(self) -> float:
        """Seconds since it arrived at the fork point."""
        return self._outcome.running_for

    def add(self, scheduled: Sequence[ScheduledTrial]) -> None:
        assert list(scheduled) == [self._scheduled], "a tail is one trial"
        self._host.start_in_turn(self, self._case.run)

    def begin(self) -> bool:
        """Claim the trial now that it may run. Returns False if it is not wanted any more."""
        with self._lock:
            self._begun = not self._stopped and self._recorder.begin(self._scheduled)
        if not self._begun:
            self.over.set()
        return self._begun

    @contextmanager
    def in_its_world(self, run: Callable[[Any], Any]) -> Generator[None]:
        """Run the project's ``before_trial`` hook around the block. Raises ForkError. ``run`` runs a coroutine."""
        scheduled = self._scheduled
        with world_of(self._case, variant=scheduled.variant.name, trial=scheduled.number, run=run) as world:
            self._access.world = self._user.world = world
            yield

    def close(self) -> None:
        """Do nothing: the fork ends with its only trial."""

    def stop(self) -> Sequence[ScheduledTrial]:
        with self._lock:
            self._stopped = True
            return () if self._begun else (self._scheduled,)

    def wait(self, seconds: float | None = None) -> bool:
        with self._lock:
            if self._stopped and not self._begun:
                return True
        return self.over.wait(seconds)

    def variant(self, agent: str | None) -> Variant | None:
        tried = self._scheduled.variant
        ours = self._case.agent is None or agent in (None, self._case.agent)
        in_own_fork = self._framework is not None and self._framework.forks_per_variant
        return tried if in_own_fork and ours and tried.name != CURRENT else None

    async def on_model_call(self, number: int, call: ModelCall) -> ModelCall | None:
        """Return the call under the variant; None before the fork point, or if it ended the trial or the case."""
        if call.runs_in_step and number < self.fork_state.fork_point:
            return None
        if not self.fork_state.arrived:
            if not call.runs_in_step:
                self._recorder.fail(unrecorded(call))
                return None
            if number > self.fork_state.fork_point:
                return None  # DBOS asks for the step, and it is refused
            if not self._arrive_at_fork_point(call):
                return None
        return self._model_calls.changed(number, call)

    def on_step(self, step: StepCall) -> Coroutine[Any, Any, Instead | None] | Instead | None:
        fork_state = self.fork_state
        if step.number < fork_state.fork_point or fork_state.closed:
            return None
        call = self._model_calls.call_of(step)
        if not fork_state.arrived:
            is_point = step.number == fork_state.fork_point and step.name == self._case.fork_point.name
            if not is_point or not (
                self._arrive_at_fork_point(call) if call is not None else fork_state.arrive()
            ):
                return None
        return self._actions.in_place_of(step) if call is None else self._model_calls.in_place_of(step, call)

    def on_scheduled_step(self, step: StepCall) -> Instead | None:
        return self._model_calls.in_place_of_scheduled(step)

    def on_operation(self, number: int, name: str) -> Step | None:
        """Handle an operation that is no step. Called by DBOS's threads; see :meth:`TailActions.on_operation`."""
        return self._actions.on_operation(number, name)

    async def call_tool(self, name: str, arguments: Any, invoke: Callable[[], Awaitable[Any]]) -> Any:
        return await self._actions.call_tool(name, arguments, invoke)

    def refused(self, refusal: Refusal) -> None:
        if not self.fork_state.arrived:
            self._recorder.fail(stale(self._case, refusal))
            return
        self.fail(ToolDeniedError(f"step {refusal.number}, {refusal.reached!r}, may not run in a rerun"))

    def ended(self, error: str | None, output: str | None) -> None:
        if not self.fork_state.arrived:
            self._recorder.fail(ended_early(self._case, error))
            return
        self._outcome.complete(error, output)

    def fail(self, problem: ReforkError) -> None:
        self._outcome.fail(problem)

    def _arrive_at_fork_point(self, call: ModelCall) -> bool:
        """Check that the call is the one that was captured, and begin the trial. Returns False if it cannot begin."""
        problem = misfit(self._case, call)
        if problem is not None:
            self._recorder.fail(problem)
            return False
        return self._outcome.arrive()
