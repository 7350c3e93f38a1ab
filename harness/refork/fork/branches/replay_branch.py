"""A fork that replays a whole run and stops at the first thing that was not recorded."""

import dataclasses
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final

from refork.dbos.replay.admission import ForkState, Refusal
from refork.errors import ForkError, ReforkError
from refork.fork.branches.branch import Branch, unrecorded
from refork.fork.branches.tool_results import RecordedToolResults
from refork.fork.http_steps.looking import look
from refork.fork.http_steps.models import denies, is_model_step, is_named, recorded_answer
from refork.fork.step_arguments import encoded_arguments, with_id
from refork.frameworks.protocol import Framework, ModelCall, StepCall, StepRun
from refork.records import Request, Run, Step, StepKind
from refork.records.variant import Variant
from refork.tool_policy import ToolPolicy, last_part

SLEEP: Final = "DBOS.sleep"
WAITING: Final = frozenset({"DBOS.recv", "DBOS.getEvent"})
"""Operations that wait, and note in a sleep of their own until when."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplayedRun:
    """A run as the code replays it today. ``problem`` says in one line why some requests are missing.

    ``unseen`` says of model steps, by their names, why what they send could not be found out.
    """

    run: Run
    problem: str | None = None
    unseen: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])


class ReplayBranch(Branch):
    """Collects the request or the arguments of every step of a run, and lets no call be made.

    ``models`` are names or patterns of steps that call a model.
    """

    def __init__(
        self,
        run: Run,
        fork_state: ForkState,
        framework: Framework | None,
        policy: ToolPolicy,
        *,
        models: Sequence[str] = (),
    ) -> None:
        super().__init__(fork_state, RecordedToolResults(run, framework), policy)
        self._run = run
        self._framework = framework
        self._models = models
        self._unseen: dict[str, str] = {}
        self._requests: dict[int, Request] = {}
        self._arguments: dict[int, Any] = {}
        self._problem: str | None = None

    @property
    def replay(self) -> ReplayedRun:
        """The run with the requests and arguments that were seen up to now."""
        steps = tuple(
            dataclasses.replace(
                _with_request(step, self._requests.get(step.number)),
                arguments=self._arguments.get(step.number, step.arguments),
            )
            for step in self._run.steps
        )
        run = dataclasses.replace(self._run, steps=steps)
        return ReplayedRun(run=run, problem=self._problem, unseen=dict(self._unseen))

    async def on_model_call(self, number: int, call: ModelCall) -> ModelCall | None:
        if not call.runs_in_step:
            self.fail(unrecorded(call))
        elif number < self.fork_state.fork_point:
            self._requests[number] = call.request
        return None

    def on_step(self, step: StepCall) -> Coroutine[Any, Any, None] | None:
        if step.number >= self.fork_state.fork_point or step.number in self._requests:
            return None
        call = None if self._framework is None else self._framework.model_call(step)
        if call is not None:
            self._requests[step.number] = call.request
        if isinstance(call, StepRun) if call is not None else is_model_step(step, self._models):
            return self._looked_at(step, call)
        arguments = None if call is not None else encoded_arguments(step)
        if arguments is not None:  # else the call cannot be told from another by its arguments
            self._arguments[step.number] = with_id(arguments, self.fork_state.run_id, self._run.id)
        return None

    async def _looked_at(self, step: StepCall, call: ModelCall | None) -> None:
        """Find the request of a step whose code calls a model, by running that code up to its first request."""
        known = None if call is None else call.request
        name = last_part(step.name)
        denied = denies(self.policy, step.name)
        if not denied and step.name not in self._unseen:
            seen = await look(step)
            if seen.request is not None:
                agent = (known.agent if known else None) or seen.request.agent or name
                self._requests[step.number] = dataclasses.replace(seen.request, agent=agent)
                return
            if seen.ended and known is None and not is_named(step.name, self._models):
                return
            self._unseen[step.name] = seen.problem
        if known is None:
            known = Request(input=with_id(encoded_arguments(step), self.fork_state.run_id, self._run.id))
        self._requests[step.number] = dataclasses.replace(known, agent=known.agent or name)

    def refused(self, refusal: Refusal) -> None:
        recorded = (
            "was not recorded" if refusal.recorded is None else f"was {refusal.recorded!r} when recorded"
        )
        self.fail(ForkError(f"step {refusal.number}, {refusal.reached!r} in today's code, {recorded}"))

    def variant(self, _agent: str | None) -> Variant | None:
        return None

    def ended(self, error: str | None, _output: str | None) -> None:
        last, reached = (
            last_of_the_code(self._run),
            0 if self.fork_state.position is None else self.fork_state.position[0],
        )
        if reached < last:
            how = "returned" if error is None else f"raised {error}"
            self._problem = self._problem or f"the code {how} after step {reached} of {last}"
        self.over.set()

    def fail(self, problem: ReforkError) -> None:
        self._problem = self._problem or str(problem)
        self.fork_state.close()
        self.over.set()


def last_of_the_code(run: Run) -> int:
    """Return the number of the last step that the workflow's code starts; 0 if it starts none.

    ``DBOS.recv`` and ``DBOS.get_event`` record a sleep after themselves, which no replay reaches, so it is left out.
    """
    names = {step.number: step.name for step in run.steps}
    own = [number for number in names if not (names[number] == SLEEP and names.get(number - 1) in WAITING)]
    return max(own, default=0)


def _with_request(step: Step, request: Request | None) -> Step:
    if request is None:
        return step
    return dataclasses.replace(
        step,
        request=request,
        agent=request.agent,
        model=request.model or step.model,
        kind=StepKind.MODEL,
        answer=step.answer or recorded_answer(step),
    )
