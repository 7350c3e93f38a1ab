"""How the trials of a case are spread over DBOS forks: one for all, one a variant, or one a trial."""

import hashlib
import uuid
from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from refork.dbos.evals_database.interrupted_forks import TAIL
from refork.errors import ForkError
from refork.fork.branches.step_branch import StepBranch, WholeStep
from refork.fork.branches.step_rerun import ToolRun
from refork.fork.branches.tool_results import RecordedToolResults
from refork.fork.case_fork import Spread, TrialBranch
from refork.fork.fork_host import ForkHost
from refork.fork.http_steps.models import denies
from refork.fork.tails.tail_branch import TailBranch
from refork.fork.tails.tool_access import ToolAccess
from refork.fork.trials.scheduled_trial import AnswerRecorder, ScheduledTrial
from refork.frameworks.plain_dbos.adapter import PlainSteps
from refork.frameworks.protocol import Framework, ModelCall, StepCall
from refork.records import Case, StepKind
from refork.tool_policy import Action, ToolPolicy, tightened
from refork.tool_policy.recorded_calls import RecordedCalls


class ForkStrategy(Spread, Protocol):
    @property
    def at_once(self) -> bool:
        """Whether the fork is made before any trial is scheduled: it replays meanwhile."""
        ...


def strategy_for(case: Case, framework: Framework | None, host: ForkHost) -> ForkStrategy:
    """The spread for a case. Raises ForkError where its fork point is a step that may not act."""
    policy = tightened(host.policy, case)
    _check_fork_point(case, policy)
    if case.scope == "tail":
        calls = RecordedCalls(case.run, start=case.step)
        return _OneATrial(case, framework, host, policy, calls, RecordedToolResults(case.run, framework))
    is_model = case.fork_point.kind is StepKind.MODEL
    if framework is not None and framework.forks_per_variant:
        if is_model:
            return _OneAVariant(case, framework, host, policy, framework.model_call)
        if isinstance(framework, PlainSteps):
            return _OneAVariant(case, framework, host, policy, partial(framework.run_of, live=True))
    return _OneForAll(case, framework, host, policy)


def _check_fork_point(case: Case, policy: ToolPolicy) -> None:
    point = case.fork_point
    name = point.tool or point.name
    if point.kind is StepKind.MODEL and denies(policy, name):
        raise ForkError(
            f"step {point.number} ({name!r}) is denied under [tool.refork.tools], or by the case's tools"
        )
    if point.kind is not StepKind.MODEL and policy.action_for(name) is not Action.LIVE:
        raise ForkError(
            f"step {point.number} ({name!r}) is not a model call, and rerunning it would act: "
            f'set {name} = "live" under [tool.refork.tools] in pyproject.toml if it may'
        )


@dataclass(frozen=True)
class _OneForAll:
    """Variants differ at the fork point itself: their trials run there side by side."""

    case: Case
    framework: Framework | None
    host: ForkHost
    policy: ToolPolicy
    at_once: bool = True

    def key(self, _scheduled: ScheduledTrial) -> Hashable:
        return None

    def open(self, recorder: AnswerRecorder, _scheduled: ScheduledTrial) -> TrialBranch:
        run_id, left = self.host.left(self.case, "fork-")
        branch = StepBranch(
            self.case,
            self.host.fork_state(self.case.run, self.case.step, run_id),
            recorder,
            self.host.limits,
            told=RecordedToolResults(self.case.run, self.framework),
            policy=self.policy,
            whole_step=self._whole_step,
            leftover=left,
        )
        self.host.start(branch, self.case.run, resumed=left is not None)
        return branch

    def _whole_step(self, step: StepCall) -> ModelCall | None:
        if self.case.fork_point.kind is not StepKind.MODEL:
            return ToolRun(step)
        call = None if self.framework is None else self.framework.model_call(step)
        # A step of none of the framework's, whose code asks a model.
        return call or ToolRun(step, live=False)


@dataclass(frozen=True)
class _OneAVariant:
    """Variants differ before the fork point."""

    case: Case
    framework: Framework
    host: ForkHost
    policy: ToolPolicy
    whole_step: WholeStep
    at_once: bool = False

    def key(self, scheduled: ScheduledTrial) -> Hashable:
        return scheduled.variant.name

    def open(self, recorder: AnswerRecorder, scheduled: ScheduledTrial) -> TrialBranch:
        run_id, left = self.host.left(self.case, f"fork-{_tag(scheduled.variant.name)}-")
        branch = StepBranch(
            self.case,
            self.host.fork_state(self.case.run, self.case.step, run_id),
            recorder,
            self.host.limits,
            told=RecordedToolResults(self.case.run, self.framework),
            policy=self.policy,
            whole_step=self.whole_step,
            only=scheduled.variant,
            leftover=left,
        )
        self.host.start(branch, self.case.run, resumed=left is not None)
        return branch


@dataclass(frozen=True)
class _OneATrial:
    """In ``tail`` scope every trial goes its own way."""

    case: Case
    framework: Framework | None
    host: ForkHost
    policy: ToolPolicy
    calls: RecordedCalls
    told: RecordedToolResults
    at_once: bool = False

    def key(self, scheduled: ScheduledTrial) -> Hashable:
        return scheduled.variant.name, scheduled.number

    def open(self, recorder: AnswerRecorder, scheduled: ScheduledTrial) -> TrialBranch:
        # Never one that a killed session left: nothing says whether its answers were to the same requests.
        run_id = f"{TAIL}{uuid.uuid4().hex}"
        told = self.told.fresh()
        access = ToolAccess(
            self.case.run,
            self.policy,
            self.host.stubs,
            self.calls.fresh(),
            told=told,
            start=self.case.step,
            run_id=run_id,
        )
        return TailBranch(
            self.case,
            self.host.fork_state(self.case.run, self.case.step, run_id, tail=True),
            recorder,
            scheduled,
            told=told,
            framework=self.framework,
            access=access,
            host=self.host,
        )


def _tag(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
