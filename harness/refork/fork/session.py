"""A session: the application in a DBOS of our own, and the forks of its runs under one limit of calls at once."""

import asyncio
import contextvars
import hashlib
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Generator, Hashable, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from refork.case import Case, Run, StepKind
from refork.config import Config
from refork.engine.gate import Gate
from refork.engine.leftovers import Leftovers
from refork.engine.session import Engine, open_engine, wait_until_idle
from refork.engine.steps import watched_steps
from refork.errors import ForkError, ReforkError
from refork.fork.at_step import StepBranch
from refork.fork.branch import Branch, Instead
from refork.fork.case_fork import CaseFork, Spread
from refork.fork.planned import Keeper, Planned
from refork.fork.replay import Replay, ReplayBranch
from refork.fork.retries import Retries
from refork.fork.slots import Slots
from refork.fork.trial_step import Limits
from refork.frameworks import Framework, ModelCall, StepCall, installed
from refork.outcome import Trial
from refork.values import DEFAULT
from refork.variant import Variant, current

HANG_TICK: Final = 0.2
_Result = TypeVar("_Result")


@contextmanager
def open_session(
    *,
    root: Path,
    modules: Sequence[str],
    setup: str | None = None,
    database: str | None = None,
    slot: str = "",
    concurrency: int = 8,
    replay_timeout: float = 30.0,
    trial_timeout: float = 120.0,
    attempts: int = 6,
) -> Generator["ForkSession"]:
    """Import the application and be ready to fork its runs.

    ``modules`` register the workflows; ``database`` is None for the default, ``postgres`` or a URL; time-outs
    are in seconds. Raises SessionError, ApplicationError, BadInputError and DatabaseError.
    """
    with ExitStack() as stack:
        frameworks = installed()
        for framework in frameworks:
            framework.register(DEFAULT)
            stack.enter_context(framework.importable())
        engine, _ = stack.enter_context(
            open_engine(root=root, modules=modules, setup=setup, url=database, slot=slot)
        )
        limits = Limits(
            slots=Slots(concurrency), retries=Retries(attempts=attempts), trial_seconds=trial_timeout
        )
        session = ForkSession(engine, frameworks, limits, replay_timeout)
        for framework in frameworks:
            stack.enter_context(framework.intercept(session))
        stack.enter_context(watched_steps(session))
        stack.callback(session.shut)
        yield session


class ForkSession:
    """Forks cases, all under one limit of calls at once. Made by :func:`open_session`."""

    def __init__(
        self, engine: Engine, frameworks: Sequence[Framework], limits: Limits, replay_timeout: float
    ) -> None:
        self._engine = engine
        self._frameworks = frameworks
        self._limits = limits
        self._replay_timeout = replay_timeout
        self._forks: list[CaseFork] = []
        self._branches: dict[str, Branch] = {}
        self._given_up: set[str] = set()
        self._leftovers = Leftovers(engine.system_database)
        self._leftovers.sweep()
        self._shut = threading.Event()
        self._watchdog = threading.Thread(target=self._watch, name="refork-watchdog", daemon=True)
        self._watchdog.start()

    def fork(self, case: Case, *, on_trial: Callable[[Trial], None] | None = None) -> CaseFork:
        """Fork a case. Trials may be planned at once; they run when the replay has reached the fork point.

        Takes up what a killed session left of the same case. Raises ApplicationError.
        """
        self._engine.check_workflow(case.run)
        framework = self._framework(case.run)
        spread = _StepSpread(self, case, framework)
        fork = CaseFork(case, spread, on_trial=on_trial)
        self._forks.append(fork)
        if not spread.by_variant:
            fork.open(current())
        return fork

    def replay(self, run: Run) -> Replay:
        """Replay a whole run from its checkpoints, and note every request on the way. Makes no call."""
        self._engine.check_workflow(run)
        gate = self.gate(run, max((step.number for step in run.steps), default=0) + 1)
        branch = ReplayBranch(run, gate, self._framework(run))
        self.start(branch, run)
        branch.over.wait()
        return branch.replay

    def stop(self) -> None:
        """Start no more trials, wait for those in flight, then end every fork."""
        for fork in self._forks:
            fork.stop()
        for fork in self._forks:
            fork.wait()

    def shut(self) -> None:
        """End every fork at once. Answers in flight are lost."""
        self._shut.set()
        self._watchdog.join(timeout=5)
        for run_id, branch in self._branches.items():
            if not branch.over.is_set():
                self._give_up(run_id, branch, ForkError("the session ended before the fork did"))
        wait_until_idle(self._engine, seconds=3.0, but=self._given_up)

    # What frameworks and DBOS's steps ask, in the workflows that they run in.

    async def on_model_call(self, call: ModelCall) -> ModelCall | None:
        """Told by the framework of every model call, before DBOS looks for its checkpoint."""
        branch = self._branch_here()
        if branch is None or self._engine.within_step():
            return None
        changed = await branch.on_model_call(self._engine.next_step(), call)
        self._check_open(branch)
        return changed

    def upcoming(self) -> str | None:
        """The recorded name of the step that the calling fork does next, None outside every fork."""
        gate = self._engine.gate_here()
        return None if gate is None else gate.recorded.get(self._engine.next_step())

    def variant(self, agent: str | None) -> Variant | None:
        """What the calling fork tries for an agent from its start on."""
        branch = self._branch_here()
        return None if branch is None else branch.variant(agent)

    def on_step(self, step: StepCall) -> Instead | None:
        """A synchronous step is about to start: what runs in its place."""
        branch = self._branch_here()
        found = None if branch is None or step.number in branch.gate.planned else branch.on_step(step)
        if not isinstance(found, Coroutine):
            return found
        instead = _aside(found)
        self._check_open(branch)
        return instead

    async def on_async_step(self, step: StepCall) -> Instead | None:
        """An asynchronous step is about to start: what runs in its place."""
        branch = self._branch_here()
        found = None if branch is None or step.number in branch.gate.planned else branch.on_step(step)
        if not isinstance(found, Coroutine):
            return found
        instead = await found
        self._check_open(branch)
        return instead

    def _check_open(self, branch: Branch | None) -> None:
        """Unwinds a workflow whose fork is over."""
        if branch is not None and branch.gate.closed:
            raise self._engine.stop(branch.gate.run_id)

    def _branch_here(self) -> Branch | None:
        gate = self._engine.gate_here()
        return None if gate is None else self._branches[gate.run_id]

    # How forks are made.

    def gate(self, run: Run, fork_point: int, run_id: str | None = None) -> Gate:
        run_id = run_id or f"fork-{uuid.uuid4().hex}"
        return Gate(
            run_id=run_id,
            recorded={step.number: step.name for step in run.steps},
            fork_point=fork_point,
            # Looked up when they are called: the branch is made after its gate.
            on_refused=lambda refusal: self._branches[run_id].refused(refusal),  # noqa: PLW0108
            on_ended=lambda error, output: self._branches[run_id].ended(error, output),  # noqa: PLW0108
        )

    def start(self, branch: Branch, run: Run, *, resumed: bool = False) -> None:
        """Let DBOS run a fork of ``run`` under the branch's gate."""
        self._branches[branch.gate.run_id] = branch
        if resumed:
            self._engine.resume(branch.gate)
        else:
            self._engine.start(run, branch.gate)

    def open_at_step(
        self, case: Case, keeper: Keeper, framework: Framework | None, only: Variant | None
    ) -> StepBranch:
        """Fork a case for all its variants, or for one."""
        prefix = "fork-" if only is None else f"fork-{_tag(only.name)}-"
        left = self._leftovers.take(case.run, below=case.step, prefix=prefix)
        run_id = left.run_id if left else f"{prefix}{uuid.uuid4().hex}"
        branch = StepBranch(
            case,
            self.gate(case.run, case.step, run_id),
            keeper,
            self._limits,
            whole_step=_no_call if framework is None else framework.model_call,
            only=only,
            leftover=left,
        )
        self.start(branch, case.run, resumed=left is not None)
        return branch

    def _framework(self, run: Run) -> Framework | None:
        return next((each for each in self._frameworks if each.name == run.framework), None)

    # Forks that hang.

    def _watch(self) -> None:
        while not self._shut.wait(HANG_TICK):
            for run_id, branch in list(self._branches.items()):
                problem = None if branch.gate.arrived or branch.over.is_set() else self._hung(branch.gate)
                if problem is not None:
                    self._give_up(run_id, branch, problem)

    def _give_up(self, run_id: str, branch: Branch, problem: ReforkError) -> None:
        self._given_up.add(run_id)
        branch.fail(problem)
        self._engine.stop(run_id)

    def _hung(self, gate: Gate) -> ReforkError | None:
        idle = time.monotonic() - gate.moved_at
        if not gate.started:
            # Many forks wait for each other at the start, so only a queue that stands still is an error.
            return ForkError("DBOS did not start the fork") if idle > 10 * self._replay_timeout else None
        if idle <= self._replay_timeout:
            return None
        where = (
            "before its first step"
            if gate.position is None
            else "after step {} ({!r})".format(*gate.position)
        )
        return ForkError(
            f"the replay hung {where}: nothing happened for {self._replay_timeout:g} s; "
            "raise replay_timeout in [tool.refork] if the code is only slow there"
        )


@dataclass(frozen=True)
class _StepSpread(Spread):
    """One fork for all variants, or one for each where they differ before the fork point."""

    session: ForkSession
    case: Case
    framework: Framework | None

    @property
    def by_variant(self) -> bool:
        is_model = self.case.fork_point.kind is StepKind.MODEL
        return is_model and self.framework is not None and self.framework.branches

    def key(self, planned: Planned) -> Hashable:
        return planned.variant.name if self.by_variant else None

    def open(self, keeper: Keeper, planned: Planned) -> StepBranch:
        only = planned.variant if self.by_variant else None
        return self.session.open_at_step(self.case, keeper, self.framework, only)


def _aside(waited: Coroutine[Any, Any, _Result]) -> _Result:
    """Run a coroutine in a thread and a loop of its own, in the caller's context, and wait for it.

    The caller is a synchronous step: it may stand on a thread without a loop, or block one.
    """
    results: list[_Result] = []
    problems: list[BaseException] = []

    def run() -> None:
        try:
            results.append(asyncio.run(waited))
        except BaseException as problem:
            problems.append(problem)

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(run,), name="refork-trials", daemon=True)
    thread.start()
    thread.join()
    if problems:
        raise problems[0]
    return results[0]


def _no_call(_step: StepCall) -> None:
    return None


def _tag(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def replay_run(run: Run, config: Config) -> Replay:
    """Replay a run in a session of its own. What goes wrong is told as the replay's problem, never raised."""
    if not config.app:
        return Replay(
            run=run, problem="no application is named: set app under [tool.refork] in pyproject.toml"
        )
    try:
        with open_session(
            root=config.root,
            modules=config.app,
            setup=config.setup,
            slot="replay",
            replay_timeout=config.replay_timeout,
        ) as session:
            return session.replay(run)
    except ReforkError as error:
        return Replay(run=run, problem=str(error))
