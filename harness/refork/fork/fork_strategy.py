"""Decides how many DBOS forks the trials of a case need: one, one for each variant, or one for each trial."""

import hashlib
import uuid
from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial

from refork.dbos.evals_database.interrupted_forks import TAIL
from refork.errors import ForkError
from refork.fork.branches.step_branch import StepBranch, WholeStep
from refork.fork.branches.step_rerun import ToolRun
from refork.fork.branches.tool_results import RecordedToolResults
from refork.fork.case_fork import ForkStrategy, TrialBranch
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


def strategy_for(case: Case, framework: Framework | None, host: ForkHost) -> ForkStrategy:
    """Return the strategy for a case. Raises ForkError if its fork point is a step that may not act."""
    policy = tightened(host.policy, case)
    _check_fork_point(case, policy)
    if case.scope == "tail":
        calls = RecordedCalls(case.run, start=case.step)
        return _ForkPerTrial(case, framework, host, policy, calls, RecordedToolResults(case.run, framework))
    is_model = case.fork_point.kind is StepKind.MODEL
    if framework is not None and framework.forks_per_variant:
        if is_model:
            return _ForkPerVariant(case, framework, host, policy, framework.model_call)
        if isinstance(framework, PlainSteps):
            return _ForkPerVariant(case, framework, host, policy, partial(framework.run_of, live=True))
    return _OneFork(case, framework, host, policy)


def _check_fork_point(case: Case, policy: ToolPolicy) -> None:
    point = case.fork_point
    name = point.tool or point.name
    if point.kind is StepKind.MODEL and denies(policy, name):
        raise ForkError(
            f"step {point.number} ({name!r}) is denied under [tool.refork.tools], or by the case's tools, so its model "
            "cannot be called: remove that rule"
        )
    if point.kind is not StepKind.MODEL and policy.action_for(name) is not Action.LIVE:
        raise ForkError(
            f"step {point.number} ({name!r}) is not a model call, and rerunning it would act: "
            f'set {name} = "live" under [tool.refork.tools] in pyproject.toml if it may'
        )


@dataclass(frozen=True)
class _OneFork:
    """One fork for all variants, because they change only the call at the fork point."""

    case: Case
    framework: Framework | None
    host: ForkHost
    policy: ToolPolicy
    forks_at_once: bool = True

    def key(self, _scheduled: ScheduledTrial) -> Hashable:
        return None

    def open(self, recorder: AnswerRecorder, _scheduled: ScheduledTrial) -> TrialBranch:
        run_id, interrupted = self.host.interrupted_or_new(self.case, "fork-")
        branch = StepBranch(
            self.case,
            self.host.fork_state(self.case.run, self.case.step, run_id),
            recorder,
            self.host.limits,
            tool_results=RecordedToolResults(self.case.run, self.framework),
            policy=self.policy,
            whole_step=self._whole_step,
            interrupted=interrupted,
        )
        self.host.start(branch, self.case.run, resumed=interrupted is not None)
        return branch

    def _whole_step(self, step: StepCall) -> ModelCall | None:
        if self.case.fork_point.kind is not StepKind.MODEL:
            return ToolRun(step)
        call = None if self.framework is None else self.framework.model_call(step)
        # A step that the framework does not know, whose code calls a model.
        return call or ToolRun(step, live=False)


@dataclass(frozen=True)
class _ForkPerVariant:
    """A fork for each variant, because it changes something before the fork point."""

    case: Case
    framework: Framework
    host: ForkHost
    policy: ToolPolicy
    whole_step: WholeStep
    forks_at_once: bool = False

    def key(self, scheduled: ScheduledTrial) -> Hashable:
        return scheduled.variant.name

    def open(self, recorder: AnswerRecorder, scheduled: ScheduledTrial) -> TrialBranch:
        run_id, interrupted = self.host.interrupted_or_new(self.case, f"fork-{_tag(scheduled.variant.name)}-")
        branch = StepBranch(
            self.case,
            self.host.fork_state(self.case.run, self.case.step, run_id),
            recorder,
            self.host.limits,
            tool_results=RecordedToolResults(self.case.run, self.framework),
            policy=self.policy,
            whole_step=self.whole_step,
            only=scheduled.variant,
            interrupted=interrupted,
        )
        self.host.start(branch, self.case.run, resumed=interrupted is not None)
        return branch


@dataclass(frozen=True)
class _ForkPerTrial:
    """A fork for each trial, because in ``tail`` scope each continues in its own way."""

    case: Case
    framework: Framework | None
    host: ForkHost
    policy: ToolPolicy
    calls: RecordedCalls
    tool_results: RecordedToolResults
    forks_at_once: bool = False

    def key(self, scheduled: ScheduledTrial) -> Hashable:
        return scheduled.variant.name, scheduled.number

    def open(self, recorder: AnswerRecorder, scheduled: ScheduledTrial) -> TrialBranch:
        # Never the fork of a killed session: nothing shows whether its answers were to the same requests.
        run_id = f"{TAIL}{uuid.uuid4().hex}"
        tool_results = self.tool_results.fresh()
        access = ToolAccess(
            self.case.run,
            self.policy,
            self.host.stubs,
            self.calls.fresh(),
            tool_results=tool_results,
            start=self.case.step,
            run_id=run_id,
        )
        return TailBranch(
            self.case,
            self.host.fork_state(self.case.run, self.case.step, run_id, tail=True),
            recorder,
            scheduled,
            tool_results=tool_results,
            framework=self.framework,
            access=access,
            host=self.host,
        )


def _tag(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
