"""Handles the model calls of a tail: applies the variant, uses cached answers, and notes each in the trajectory."""

from functools import partial

from refork.dbos.replay.admission import ForkState
from refork.errors import AnswerMissingError, ForkError, ReforkError, ToolDeniedError
from refork.fork.attempts import trial_error
from refork.fork.attempts.retry_policy import Retries
from refork.fork.branches.branch import Instead, unrecorded
from refork.fork.branches.step_rerun import ToolRun
from refork.fork.http_steps import Kind, Making, in_place
from refork.fork.http_steps.models import denies
from refork.fork.tails.cached_steps import CachedSteps
from refork.fork.tails.tail_outcome import TailOutcome
from refork.fork.tails.trajectory_recorder import TrajectoryRecorder
from refork.fork.trials.cached_trials import missing_answer_message
from refork.fork.trials.scheduled_trial import AnswerRecorder, ScheduledTrial
from refork.frameworks.protocol import Framework, ModelCall, StepCall, StepRun
from refork.records import Case, Request, StepKind
from refork.records.variant import CURRENT, current
from refork.redaction.error_text import summary
from refork.tool_policy import Action, ToolPolicy, last_part

_AS_IT_IS = current()


class TailModelCalls:
    """Applies a variant to the model calls of one tail, and answers them from the cache if it can.

    Called in the fork's workflow, on DBOS's threads and event loops, from the fork point on.
    """

    def __init__(
        self,
        case: Case,
        fork_state: ForkState,
        recorder: AnswerRecorder,
        scheduled: ScheduledTrial,
        *,
        framework: Framework | None,
        policy: ToolPolicy,
        retries: Retries,
        cached_steps: CachedSteps,
        trajectory: TrajectoryRecorder,
        outcome: TailOutcome,
    ) -> None:
        self._case = case
        self._fork_state = fork_state
        self._recorder = recorder
        self._scheduled = scheduled
        self._framework = framework
        self._policy = policy
        self._retries = retries
        self._cached_steps = cached_steps
        self._trajectory = trajectory
        self._outcome = outcome
        models = [step for step in case.run.steps if step.kind is StepKind.MODEL]
        self._model_steps = {step.name for step in models}
        self._known_to_call_model = {
            step.name for step in models if step.request is not None and step.request.model
        }

    def changed(self, number: int, call: ModelCall) -> ModelCall | None:
        """Return the call under the variant; a call of another agent is returned as the code makes it.

        Returns None, and ends the trial, if the variant does not fit the call.
        """
        agent = call.request.agent
        ours = self._case.agent is None or agent is None or agent == self._case.agent
        try:
            changed = call.changed(self._scheduled.variant if ours else _AS_IT_IS)
        except Exception as error:  # what a variant asks for may not fit
            self._outcome.end(trial_error(error))
            self._fork_state.close()
            return None
        if call.runs_in_step:
            self._schedule(number, changed)
        elif self._cached_steps.offline:
            self._outcome.fail(
                AnswerMissingError(f"{unrecorded(call)}; no answer to it is cached, and no call may be made")
            )
        return changed

    def call_of(self, step: StepCall) -> ModelCall | None:
        """Return the model call that a step makes, by a framework or in its own code; None if it makes none."""
        call = None if self._framework is None else self._framework.model_call(step)
        if call is not None or step.name not in self._model_steps:
            return call
        tried, agent = self._scheduled.variant, self._case.agent
        ours = tried.name != CURRENT and (self._is_point(step) or agent == last_part(step.name))
        return ToolRun(step, live=False, tried=tried if ours else None)

    def in_place_of(self, step: StepCall, call: ModelCall) -> Instead | None:
        """Return the function to run instead of a step that makes this call; None for the step's own.

        Returns None, too, if the trial has ended.
        """
        self._schedule(step.number, call)
        if isinstance(call, StepRun) and not self._cached_steps.holds(step.number):
            return self._run_code(step, call)
        return self._cached_steps.in_place_of(step)

    def in_place_of_scheduled(self, step: StepCall) -> Instead | None:
        """Return the same for a step whose call :meth:`changed` has scheduled before it started."""
        return self._cached_steps.in_place_of(step)

    def _schedule(self, number: int, call: ModelCall) -> None:
        """Let step ``number`` run, and note its request. Ends the trial if offline and its answer is not cached."""
        if self._outcome.request is None:
            self._outcome.request = call.request
            self._recorder.note_request(self._scheduled.variant.name, call.request)
        self._trajectory.model(number, call.request)
        self._fork_state.schedule(number, call.step_name)
        try:
            is_cached = self._cached_steps.sends(number, call)
        except ReforkError as problem:
            self._outcome.fail(problem)
            return
        by_request = isinstance(call, StepRun) and (
            call.step_name in self._known_to_call_model or self._cached_steps.by_request()
        )
        if not is_cached and self._cached_steps.offline and not by_request:
            missing = missing_answer_message(self._scheduled, call.request, self._cached_steps.draws(number))
            self._outcome.fail(AnswerMissingError(missing))

    def _run_code(self, step: StepCall, call: StepRun) -> Instead | None:
        """Return a function that runs a step's code and answers its requests; None if the trial has ended."""
        if self._fork_state.closed:
            return None
        if denies(self._policy, step.name):
            denied = (
                f"step {step.number}, {step.name!r}, calls a model and is denied under [tool.refork.tools] or by the "
                "case's tools, so the trial cannot go on: remove that rule"
            )
            self._outcome.fail(ToolDeniedError(denied))
            return None
        exchanges = self._cached_steps.watch(
            step.number,
            partial(
                Making,
                step=last_part(step.name),
                agent=self._case.agent if self._is_point(step) else last_part(step.name),
                retries=self._retries,
                kind=Kind.LIVE if self._policy.action_for(step.name) is Action.LIVE else Kind.MODEL,
                candidate=call.candidate,
                sends=partial(self._sent, step.number),
                missing=partial(missing_answer_message, self._scheduled),
            ),
        )

        def ended() -> None:
            if not exchanges.seen and step.name in self._known_to_call_model:
                self._note_no_call(step)

        at_point = step.number == self._fork_state.fork_point
        return in_place(step, call, exchanges, check=at_point, stop=self._stop, ended=ended)

    def _note_no_call(self, step: StepCall) -> None:
        """Note that a step, whose code usually calls a model, has called none this time."""
        self._cached_steps.forget(step.number)
        self._trajectory.step(step, tool=None, inside=False)

    def _sent(self, number: int, request: Request) -> None:
        self._trajectory.model(number, request)
        if number == self._fork_state.fork_point:
            self._outcome.request = request
            self._recorder.note_request(self._scheduled.variant.name, request)

    def _stop(self, problem: Exception) -> None:
        self._outcome.fail(problem if isinstance(problem, ReforkError) else ForkError(summary(problem)))

    def _is_point(self, step: StepCall) -> bool:
        return step.name == self._case.fork_point.name
