"""The model calls of a tail: the variant's, made or answered from what is kept, and noted in the trajectory."""

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
from refork.fork.trials.cached_trials import not_kept
from refork.fork.trials.scheduled_trial import AnswerRecorder, ScheduledTrial
from refork.frameworks.protocol import Framework, ModelCall, StepCall, StepRun
from refork.records import Case, Request, StepKind
from refork.records.variant import current
from refork.redaction.error_text import summary
from refork.tool_policy import Action, ToolPolicy, last_part

_AS_IT_IS = current()


class TailModelCalls:
    """Called in the fork's workflow, on DBOS's threads and event loops, from the fork point on."""

    def __init__(
        self,
        case: Case,
        fork_state: ForkState,
        keeper: AnswerRecorder,
        planned: ScheduledTrial,
        *,
        framework: Framework | None,
        policy: ToolPolicy,
        retries: Retries,
        kept: CachedSteps,
        trajectory: TrajectoryRecorder,
        outcome: TailOutcome,
    ) -> None:
        self._case = case
        self._fork_state = fork_state
        self._keeper = keeper
        self._planned = planned
        self._framework = framework
        self._policy = policy
        self._retries = retries
        self._kept = kept
        self._trajectory = trajectory
        self._outcome = outcome
        models = [step for step in case.run.steps if step.kind is StepKind.MODEL]
        self._model_steps = {step.name for step in models}
        self._seen_to_ask = {step.name for step in models if step.request is not None and step.request.model}

    def changed(self, number: int, call: ModelCall) -> ModelCall | None:
        """The call under the variant: another agent's goes out as the code has it.

        None where the variant does not fit the call, which ends the trial.
        """
        agent = call.request.agent
        ours = self._case.agent is None or agent is None or agent == self._case.agent
        try:
            changed = call.changed(self._planned.variant if ours else _AS_IT_IS)
        except Exception as error:  # what a variant asks for may not fit
            self._outcome.end(trial_error(error))
            self._fork_state.close()
            return None
        if call.durable:
            self._announce(number, changed)
        elif self._kept.offline:
            self._outcome.fail(
                AnswerMissingError(f"{unrecorded(call)}; no answer to it is cached, and no call may be made")
            )
        return changed

    def call_of(self, step: StepCall) -> ModelCall | None:
        """The model call of a step: a framework's, or that of a step whose code asks a model. None for another step."""
        call = None if self._framework is None else self._framework.model_call(step)
        if call is not None or step.name not in self._model_steps:
            return call
        tried, agent = self._planned.variant, self._case.agent
        ours = tried.changes_call and (self._is_point(step) or agent == last_part(step.name))
        return ToolRun(step, live=False, tried=tried if ours else None)

    def in_place_of(self, step: StepCall, call: ModelCall) -> Instead | None:
        """What runs in the place of a step that makes this call; None for the step itself, or where the trial ended."""
        self._announce(step.number, call)
        if isinstance(call, StepRun) and not self._kept.holds(step.number):
            return self._asking(step, call)
        return self._kept.in_place_of(step)

    def in_place_of_announced(self, step: StepCall) -> Instead | None:
        """The same for a step whose call was announced before it was started."""
        return self._kept.in_place_of(step)

    def _announce(self, number: int, call: ModelCall) -> None:
        """Let step ``number`` run, and note its request. Ends the trial where an answer is neither kept nor allowed."""
        if self._outcome.request is None:
            self._outcome.request = call.request
            self._keeper.sent(self._planned.variant.name, call.request)
        self._trajectory.model(number, call.request)
        self._fork_state.plan(number, call.step_name)
        try:
            is_kept = self._kept.sends(number, call)
        except ReforkError as problem:
            self._outcome.fail(problem)
            return
        by_request = isinstance(call, StepRun) and (
            call.step_name in self._seen_to_ask or self._kept.by_request()
        )
        if not is_kept and self._kept.offline and not by_request:
            missing = not_kept(self._planned, call.request, self._kept.draws(number))
            self._outcome.fail(AnswerMissingError(missing))

    def _asking(self, step: StepCall, call: StepRun) -> Instead | None:
        """What runs in the place of a step whose code asks a model."""
        if self._fork_state.closed:
            return None
        if denies(self._policy, step.name):
            denied = f"step {step.number}, {step.name!r}, is denied under [tool.refork.tools]"
            self._outcome.fail(ToolDeniedError(denied))
            return None
        exchanges = self._kept.watch(
            step.number,
            partial(
                Making,
                step=last_part(step.name),
                agent=self._case.agent if self._is_point(step) else last_part(step.name),
                retries=self._retries,
                kind=Kind.LIVE if self._policy.action_for(step.name) is Action.LIVE else Kind.MODEL,
                candidate=call.candidate,
                sends=partial(self._sent, step.number),
                missing=partial(not_kept, self._planned),
            ),
        )

        def ended() -> None:
            if not exchanges.seen and step.name in self._seen_to_ask:
                self._asked_nobody(step)

        at_point = step.number == self._fork_state.fork_point
        return in_place(step, call, exchanges, check=at_point, stop=self._stop, ended=ended)

    def _asked_nobody(self, step: StepCall) -> None:
        """A step whose requests are seen, and which sent none this time."""
        self._kept.forget(step.number)
        self._trajectory.step(step, tool=None, inside=False)

    def _sent(self, number: int, request: Request) -> None:
        self._trajectory.model(number, request)
        if number == self._fork_state.fork_point:
            self._outcome.request = request
            self._keeper.sent(self._planned.variant.name, request)

    def _stop(self, problem: Exception) -> None:
        self._outcome.fail(problem if isinstance(problem, ReforkError) else ForkError(summary(problem)))

    def _is_point(self, step: StepCall) -> bool:
        return step.name == self._case.fork_point.name
