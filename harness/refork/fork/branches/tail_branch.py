"""A fork in ``tail`` scope: one trial, which goes on from the fork point to the workflow's end.

Model calls are made; whatever else the workflow does is asked of the tool policy first.
"""

import inspect
import json
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from threading import Lock
from typing import Any, Protocol

from refork.dbos.replay.admission import ForkState, Refusal
from refork.dbos.replay.checkpoints import checkpoints
from refork.dbos.replay.child_calls import arguments_here
from refork.errors import AnswerMissingError, ForkError, ReforkError, ToolDeniedError, ValueNotPortableError
from refork.fork.attempts import trial_error
from refork.fork.branches.branch import Branch, Instead, ended_early, misfit, stale, unrecorded
from refork.fork.branches.step_rerun import ToolRun
from refork.fork.branches.tool_results import RecordedToolResults
from refork.fork.http_steps import Kind, Making, in_place
from refork.fork.http_steps.models import denies
from refork.fork.tails.cached_steps import CachedSteps
from refork.fork.tails.tool_access import ToolAccess
from refork.fork.tails.trajectory import Trajectory
from refork.fork.tails.user import ConversationOverError, User
from refork.fork.trials.cached_trials import not_kept
from refork.fork.trials.scheduled_trial import AnswerRecorder, ScheduledTrial
from refork.fork.trials.trial_step import Limits
from refork.frameworks.protocol import Framework, ModelCall, StepCall, StepRun
from refork.records import Answer, Case, Request, Run, Step, StepKind
from refork.records.outcome import TrialError
from refork.records.variant import CURRENT, Variant, current
from refork.records.workflow_result import answer_of, calls_of, usage_of
from refork.redaction.error_text import summary
from refork.tool_policy import DBOS_PREFIX, RECEIVE, Action, last_part
from refork.tool_policy.before_trial import world_of
from refork.tool_policy.conversation import Turn, turns_of
from refork.tool_policy.recorded_arguments import UNKNOWN
from refork.values import encode, loads


class TailHost(Protocol):
    """What a tail needs of where it lives."""

    limits: Limits
    stubs: Mapping[str, Callable[..., Any]]

    @property
    def system_database(self) -> Any: ...

    def next_step(self) -> int:
        """The number that the next operation of the calling workflow will get."""
        ...

    def start_in_turn(self, branch: "TailBranch", run: Run) -> None:
        """Fork ``run`` once a slot is free, which is held until the branch is over."""
        ...


class TailBranch(Branch):
    """One trial of a case under a variant, from the fork point to the end of the workflow."""

    def __init__(
        self,
        case: Case,
        fork_state: ForkState,
        keeper: AnswerRecorder,
        planned: ScheduledTrial,
        *,
        told: RecordedToolResults,
        framework: Framework | None,
        permits: ToolAccess,
        host: "TailHost",
    ) -> None:
        super().__init__(fork_state, told, permits.policy)
        self._case = case
        self._keeper = keeper
        self._planned = planned
        self._framework = framework
        self._permits = permits
        self._host = host
        self._user = User(permits.policy, host.stubs, permits)
        self._kept = CachedSteps(host.limits.answers, case, planned.number, fork_state.run_id)
        self._trajectory = Trajectory(framework, self._kept.usage)
        self.point = case.fork_point.name
        models = [step for step in case.run.steps if step.kind is StepKind.MODEL]
        self._models = {step.name for step in models}
        self._seen_to_ask = {step.name for step in models if step.request is not None and step.request.model}
        self._request: Request | None = None
        self._lock = Lock()
        self._begun = self._stopped = False
        self._began = time.monotonic()

    @property
    def run_id(self) -> str:
        return self.fork_state.run_id

    @property
    def arrived(self) -> bool:
        return self.fork_state.arrived

    @property
    def running_for(self) -> float:
        """Seconds since it arrived at the fork point."""
        return time.monotonic() - self._began if self.fork_state.arrived else 0.0

    def add(self, planned: Sequence[ScheduledTrial]) -> None:
        assert list(planned) == [self._planned], "a tail is one trial"
        self._host.start_in_turn(self, self._case.run)

    def begin(self) -> bool:
        """A slot is free: whether the trial is still wanted."""
        with self._lock:
            self._begun = not self._stopped and self._keeper.begin(self._planned)
        if not self._begun:
            self.over.set()
        return self._begun

    @contextmanager
    def in_its_world(self, run: Callable[[Any], Any]) -> Generator[None]:
        """Put the world where the recorded run had brought it. Raises ForkError. ``run`` runs a coroutine."""
        planned = self._planned
        with world_of(self._case, variant=planned.variant.name, trial=planned.number, run=run) as world:
            self._permits.world = self._user.world = world
            yield

    def close(self) -> None:
        """It ends with its only trial."""

    def stop(self) -> Sequence[ScheduledTrial]:
        with self._lock:
            self._stopped = True
            return () if self._begun else (self._planned,)

    def wait(self, seconds: float | None = None) -> bool:
        with self._lock:
            if self._stopped and not self._begun:
                return True
        return self.over.wait(seconds)

    # What the fork itself calls, from DBOS's threads and loops.

    def variant(self, agent: str | None) -> Variant | None:
        tried = self._planned.variant
        ours = self._case.agent is None or agent in (None, self._case.agent)
        branches = self._framework is not None and self._framework.branches
        return tried if branches and ours and tried.name != CURRENT else None

    async def on_model_call(self, number: int, call: ModelCall) -> ModelCall | None:
        if call.durable and number < self.fork_state.fork_point:
            return None
        if not self.fork_state.arrived:
            if not call.durable:
                self._keeper.fail(unrecorded(call))
                return None
            if number > self.fork_state.fork_point:
                return None  # DBOS asks for the step, and it is refused
            if not self._arrives(call):
                return None
        changed = self._changed(call)
        if changed is None:
            return None
        if call.durable:
            self._sends(number, changed)
        elif self._kept.offline:
            self.fail(
                AnswerMissingError(f"{unrecorded(call)}; nothing is kept of it, and no call may be made")
            )
        return changed

    def on_step(self, step: StepCall) -> Coroutine[Any, Any, Instead | None] | Instead | None:
        fork_state = self.fork_state
        if step.number < fork_state.fork_point or fork_state.closed:
            return None
        call = self._call_of(step)
        if not fork_state.arrived:
            is_point = step.number == fork_state.fork_point and step.name == self._case.fork_point.name
            if not is_point or not (self._arrives(call) if call is not None else fork_state.arrive()):
                return None
        if call is not None:
            self._sends(step.number, call)
            if isinstance(call, StepRun) and not self._kept.holds(step.number):
                return self._asking(step, call)
            return self._kept.in_place_of(step)
        return self._allowed(step)

    def _call_of(self, step: StepCall) -> ModelCall | None:
        """The model call of a step: a framework's, or that of a step whose code asks a model."""
        call = None if self._framework is None else self._framework.model_call(step)
        if call is not None or step.name not in self._models:
            return call
        tried, agent = self._planned.variant, self._case.agent
        ours = tried.name != CURRENT and (step.name == self.point or agent == last_part(step.name))
        return ToolRun(step, live=False, tried=tried if ours else None)

    def _asking(self, step: StepCall, call: StepRun) -> Instead | None:
        """What runs in the place of a step whose code asks a model."""
        if self.fork_state.closed:
            return None
        if denies(self.policy, step.name):
            self.fail(
                ToolDeniedError(f"step {step.number}, {step.name!r}, is denied under [tool.refork.tools]")
            )
            return None
        exchanges = self._kept.watch(
            step.number,
            partial(
                Making,
                step=last_part(step.name),
                agent=self._case.agent if step.name == self.point else last_part(step.name),
                retries=self._host.limits.retries,
                kind=Kind.LIVE if self.policy.action_for(step.name) is Action.LIVE else Kind.MODEL,
                candidate=call.candidate,
                sends=partial(self._sent, step.number),
                missing=partial(not_kept, self._planned),
            ),
        )
        at_point = step.number == self.fork_state.fork_point

        def ended() -> None:
            if not exchanges.seen and step.name in self._seen_to_ask:
                self._asked_nobody(step)

        return in_place(step, call, exchanges, check=at_point, stop=self._cannot, ended=ended)

    def _asked_nobody(self, step: StepCall) -> None:
        """A step whose requests are seen, and which sent none this time."""
        self._kept.forget(step.number)
        self._trajectory.step(step, tool=None, inside=False)

    def _sent(self, number: int, request: Request) -> None:
        self._trajectory.model(number, request)
        if number == self.fork_state.fork_point:
            self._request = request
            self._keeper.sent(self._planned.variant.name, request)

    def _cannot(self, problem: Exception) -> None:
        self.fail(problem if isinstance(problem, ReforkError) else ForkError(summary(problem)))

    def on_planned_step(self, step: StepCall) -> Instead | None:
        return self._kept.in_place_of(step)

    def on_operation(self, number: int, name: str) -> Step | None:
        """An operation that is no step: a child workflow, or one of DBOS's own such as ``DBOS.send``."""
        if self._permits.granted:
            self.fork_state.plan(number, name)
            return None
        if name == RECEIVE:
            return self._received(number)
        try:
            recorded = self._permits.operation(name, _started_with(name))
        except ToolDeniedError as denied:
            self.fail(denied)
            return None
        if recorded is None:
            self.fork_state.plan(number, name)
        return recorded

    def _received(self, number: int) -> Step | None:
        """The user's turn, or nothing where the trial ends here."""
        try:
            turn = self._user.turn(number, self._turns)
        except ConversationOverError:
            self._conclude()
            return None
        except ReforkError as problem:  # denied, or the stub that stands for the user raised
            self.fail(problem)
            return None
        self._trajectory.turn(number, turn)
        return turn

    def _turns(self) -> tuple[Turn, ...]:
        """What was said before the fork point, and in this trial."""
        before = (step for step in self._case.run.steps if step.number < self.fork_state.fork_point)
        return turns_of([*before, *self._so_far()[0]])

    def _conclude(self) -> None:
        """End the trial where the conversation ended, with the last answer for its result."""
        self.fork_state.close()
        steps, common = self._so_far()
        texts = [step.answer.text for step in steps if step.answer is not None]
        self._give(answer=Answer(text=texts[-1] if texts else "", tool_calls=calls_of(steps)), **common)

    async def call_tool(self, name: str, arguments: Any, invoke: Callable[[], Awaitable[Any]]) -> Any:
        """A tool call, under the policy. Raises ToolToldError for what the model is to be told."""
        arguments = _parsed(arguments)
        replays = not self.fork_state.arrived and self.told.is_step(name)
        if replays or self.fork_state.closed or self._permits.granted:
            return await invoke()
        if not self.fork_state.arrived:
            return await self._acting(name, arguments, invoke)
        hears = self._user.answers(name)
        place = self._trajectory.tool(self._host.next_step(), name, arguments, user=hears)
        try:
            output = await (self._told(name, arguments) if hears else self._acting(name, arguments, invoke))
        except Exception as error:
            self._trajectory.told(place, error=error)
            raise
        self._trajectory.told(place, output)
        return output

    async def _told(self, name: str, arguments: Any) -> Any:
        """What the user says to a tool that asks. Raises ToolDeniedError where the trial is over."""
        said = await self._hear(name, arguments if isinstance(arguments, Mapping) else {})
        if said is None:
            raise ToolDeniedError("the conversation is over")
        return said()

    async def _hear(self, name: str, arguments: Mapping[str, Any]) -> Callable[[], Any] | None:
        """What gives the user's turn; None where the trial ends here."""
        try:
            return await self._user.answer(name, arguments, self._turns)
        except ConversationOverError:
            self._conclude()
        except ReforkError as problem:  # the stub that stands for the user raised
            self.fail(problem)
        return None

    async def _acting(self, name: str, arguments: Any, invoke: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await self._permits.call(name, arguments, invoke)
        except ToolDeniedError as denied:
            self.fail(denied)
            raise

    def refused(self, refusal: Refusal) -> None:
        if not self.fork_state.arrived:
            self._keeper.fail(stale(self._case, refusal))
            return
        self.fail(ToolDeniedError(f"step {refusal.number}, {refusal.reached!r}, may not run in a rerun"))

    def ended(self, error: str | None, output: str | None) -> None:
        if not self.fork_state.arrived:
            self._keeper.fail(ended_early(self._case, error))
            return
        steps, common = self._so_far()
        if error is not None:
            self._give(error=_error(error, steps), **common)
            return
        result = None if output is None else loads(output)
        self._give(answer=answer_of(result, calls_of(steps)), **common)

    def fail(self, problem: ReforkError) -> None:
        self.fork_state.close()
        self._end(trial_error(problem))

    def _end(self, error: TrialError) -> None:
        """End the trial before its end, with all that it has done and paid for."""
        paid: dict[str, Any] = {}
        if self.fork_state.arrived and not self.over.is_set():
            with suppress(Exception):  # a database that does not answer costs no trial its reason
                _, paid = self._so_far()
        self._give(error=error, **paid)

    def _so_far(self) -> tuple[tuple[Step, ...], dict[str, Any]]:
        """The steps from the fork point on, and what a trial says of them."""
        seconds = time.monotonic() - self._began
        first = self.fork_state.fork_point
        kept = checkpoints(self._host.system_database, self.fork_state.run_id, first=first)
        steps, numbered = self._trajectory.steps(kept, first=first), self._trajectory.numbered(kept)
        return steps, {
            "reused": self._kept.all_reused,
            "answered_at": self._kept.answered_at,
            "cached_steps": self._kept.made(numbered),
            "usage": usage_of(steps),
            "model": self._request.model if self._request else None,
            "seconds": seconds + self._kept.seconds(numbered),
            "trajectory": steps,
        }

    def _give(self, **what: Any) -> None:
        if not self.over.is_set():
            self._keeper.give(self._planned, self._planned.said(**what))
            self.over.set()

    def _arrives(self, call: ModelCall) -> bool:
        problem = misfit(self._case, call)
        if problem is not None:
            self._keeper.fail(problem)
            return False
        self._began = time.monotonic()
        return self.fork_state.arrive()

    def _changed(self, call: ModelCall) -> ModelCall | None:
        """The call under the variant: another agent's goes out as the code has it."""
        agent = call.request.agent
        ours = self._case.agent is None or agent is None or agent == self._case.agent
        try:
            return call.changed(self._planned.variant if ours else _AS_IT_IS)
        except Exception as error:  # what a variant asks for may not fit
            self._end(trial_error(error))
            self.fork_state.close()
            return None

    def _sends(self, number: int, call: ModelCall) -> None:
        if self._request is None:
            self._request = call.request
            self._keeper.sent(self._planned.variant.name, call.request)
        self._trajectory.model(number, call.request)
        self.fork_state.plan(number, call.step_name)
        try:
            is_kept = self._kept.sends(number, call)
        except ReforkError as problem:
            self.fail(problem)
            return
        by_request = isinstance(call, StepRun) and (
            call.step_name in self._seen_to_ask or self._kept.by_request()
        )
        if not is_kept and self._kept.offline and not by_request:
            self.fail(AnswerMissingError(not_kept(self._planned, call.request, self._kept.draws(number))))

    def _allowed(self, step: StepCall) -> Coroutine[Any, Any, Instead | None] | Instead | None:
        """What runs as a step that is no model call. Where nothing may, the trial is over."""
        inside = self._permits.granted
        tool = self._permits.tool_of(step)
        hears = not inside and self._user.answers(tool or step.name)
        self._trajectory.step(step, tool=tool, inside=inside, user=hears)
        self.fork_state.plan(step.number, step.name)
        if hears:
            return self._heard(step, tool or step.name)
        try:
            return None if inside else self._permits.step(step)
        except ToolDeniedError as denied:
            self.fail(denied)
            return None

    async def _heard(self, step: StepCall, name: str) -> Instead | None:
        """What runs as a step that asks the user; None where the trial ends here."""
        said = await self._hear(name, step.arguments)
        if said is None:
            return None

        def answer(*_args: Any, **_kwargs: Any) -> Any:
            return said()

        async def answer_async(*_args: Any, **_kwargs: Any) -> Any:
            return said()

        return answer_async if inspect.iscoroutinefunction(step.function) else answer


_AS_IT_IS = current()


def _started_with(name: str) -> Any:
    """What the child workflow is started with that DBOS asks about, encoded as it is on record."""
    found = None if name.startswith(DBOS_PREFIX) else arguments_here()
    if found is None:
        return UNKNOWN
    try:
        return encode({"args": list(found[0]), "kwargs": dict(found[1])})
    except ValueNotPortableError:
        return UNKNOWN


def _parsed(arguments: Any) -> Any:
    """A model's text as JSON; as it stands where it is none."""
    try:
        return json.loads(arguments) if isinstance(arguments, str) else arguments
    except (ValueError, RecursionError):
        return arguments


def _error(line: str, steps: Sequence[Step]) -> TrialError:
    kind, _, message = line.partition(": ")
    models = [step for step in steps if step.kind is StepKind.MODEL]
    unreached = bool(models) and models[-1].error is not None
    return TrialError(type=kind, message=message or kind, own=not unreached)
