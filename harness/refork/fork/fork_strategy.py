"""How the trials of a case are spread over DBOS forks: one for all, one a variant, or one a trial.

Variants that change what went before the fork point have forks of their own, of a run that was changed so.
"""

import hashlib
import uuid
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Protocol

from refork.case_files.changed_prefix import changed_case
from refork.dbos.evals_database.interrupted_forks import TAIL
from refork.errors import ForkError, ReforkError
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
from refork.records import Case, Request, StepKind
from refork.records.outcome import Trial
from refork.tool_policy import Action, ToolPolicy, tightened
from refork.tool_policy.recorded_calls import RecordedCalls


class ForkStrategy(Spread, Protocol):
    @property
    def at_once(self) -> bool:
        """Whether the fork is made before any trial is planned: it replays meanwhile."""
        ...


def strategy_for(case: Case, framework: Framework | None, host: ForkHost) -> ForkStrategy:
    """The spread for a case. Raises ForkError where its fork point is a step that may not act."""
    policy = tightened(host.policy, case)
    _check_fork_point(case, policy)
    return _ByPrefix(case, framework, host, policy, _of_one_prefix(case, framework, host, policy))


def _of_one_prefix(
    case: Case, framework: Framework | None, host: ForkHost, policy: ToolPolicy
) -> ForkStrategy:
    if case.scope == "tail":
        calls = RecordedCalls(case.run, start=case.step)
        return _OneATrial(case, framework, host, policy, calls, RecordedToolResults(case.run, framework))
    is_model = case.fork_point.kind is StepKind.MODEL
    if framework is not None and framework.branches:
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
class _ByPrefix:
    """Variants that change the same before the fork point share what replays it; the others share ``unchanged``."""

    case: Case
    framework: Framework | None
    host: ForkHost
    policy: ToolPolicy
    unchanged: ForkStrategy
    changed: dict[str, "_ChangedPrefix"] = field(default_factory=dict[str, "_ChangedPrefix"])

    @property
    def at_once(self) -> bool:
        return self.unchanged.at_once

    def key(self, planned: ScheduledTrial) -> Hashable:
        # The strategies differ by the kind of the fork point, which no variant changes.
        return planned.variant.prefix, self.unchanged.key(planned)

    def open(self, keeper: AnswerRecorder, planned: ScheduledTrial) -> TrialBranch:
        prefix = planned.variant.prefix
        if not prefix:
            return self.unchanged.open(keeper, planned)
        if prefix not in self.changed:
            case = changed_case(self.case, planned.variant)
            strategy = _of_one_prefix(case, self.framework, self.host, self.policy)
            self.changed[prefix] = _ChangedPrefix(strategy, keeper, prefix)
        return self.changed[prefix].open(planned)


@dataclass
class _ChangedPrefix:
    """The forks of a changed prefix, and where their trials leave what they come to.

    What fails there fails its variants, and not the case.
    """

    strategy: ForkStrategy
    recorder: AnswerRecorder
    prefix: str
    branches: list[TrialBranch] = field(default_factory=list[TrialBranch])
    lock: Lock = field(default_factory=Lock)
    has_failed: bool = False

    def open(self, planned: ScheduledTrial) -> TrialBranch:
        branch = self.strategy.open(self, planned)
        with self.lock:
            self.branches.append(branch)
        return branch

    def begin(self, planned: ScheduledTrial) -> bool:
        return self.recorder.begin(planned)

    def give(self, planned: ScheduledTrial, trial: Trial) -> None:
        self.recorder.give(planned, trial)

    def sent(self, variant: str, request: Request) -> None:
        self.recorder.sent(variant, request)

    def fail(self, problem: ReforkError) -> None:
        self.recorder.fail_prefix(self.prefix, problem)
        with self.lock:
            failed_before, self.has_failed = self.has_failed, True
            branches = () if failed_before else tuple(self.branches)
        for branch in branches:
            branch.fail(problem)

    def fail_prefix(self, prefix: str, problem: ReforkError) -> None:
        self.recorder.fail_prefix(prefix, problem)


@dataclass(frozen=True)
class _OneForAll:
    """Variants differ at the fork point itself: their trials run there side by side."""

    case: Case
    framework: Framework | None
    host: ForkHost
    policy: ToolPolicy
    at_once: bool = True

    def key(self, _planned: ScheduledTrial) -> Hashable:
        return None

    def open(self, keeper: AnswerRecorder, _planned: ScheduledTrial) -> TrialBranch:
        run_id, left = self.host.left(self.case, "fork-")
        branch = StepBranch(
            self.case,
            self.host.fork_state(self.case.run, self.case.step, run_id),
            keeper,
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

    def key(self, planned: ScheduledTrial) -> Hashable:
        return planned.variant.name

    def open(self, keeper: AnswerRecorder, planned: ScheduledTrial) -> TrialBranch:
        run_id, left = self.host.left(self.case, f"fork-{_tag(planned.variant.name)}-")
        branch = StepBranch(
            self.case,
            self.host.fork_state(self.case.run, self.case.step, run_id),
            keeper,
            self.host.limits,
            told=RecordedToolResults(self.case.run, self.framework),
            policy=self.policy,
            whole_step=self.whole_step,
            only=planned.variant,
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

    def key(self, planned: ScheduledTrial) -> Hashable:
        return planned.variant.name, planned.number

    def open(self, keeper: AnswerRecorder, planned: ScheduledTrial) -> TrialBranch:
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
            keeper,
            planned,
            told=told,
            framework=self.framework,
            access=access,
            host=self.host,
        )


def _tag(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
