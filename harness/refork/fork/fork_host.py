"""Starts the forks of a session, finds them by their run id, and ends those that hang."""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import Any, Final

from refork.dbos.evals_database.interrupted_forks import InterruptedFork, InterruptedForks
from refork.dbos.instance.engine import Engine, wait_until_idle
from refork.dbos.replay.admission import ForkState
from refork.errors import DatabaseError, ForkError, InternalError, ReforkError
from refork.fork.attempts import blocked
from refork.fork.branches.branch import Branch
from refork.fork.branches.replay_order import RecordedOrder
from refork.fork.branches.step_branch import StepBranch
from refork.fork.clock import moment_of
from refork.fork.event_loops import run_on_event_loop
from refork.fork.tails.tail_branch import TailBranch
from refork.fork.trials.trial_step import Limits
from refork.records import Case, Run, Step, StepKind
from refork.redaction.error_text import summary
from refork.tool_policy import ToolPolicy

TICK_SECONDS: Final = 0.2
IDLE_SECONDS: Final = 3.0
GRACE_SECONDS: Final = 5.0
"""Seconds after its time limit in which a trial may still end by itself; after that its event loop is blocked."""


class ForkHost:
    """Starts and ends the forks of a session, and gives branches access to the engine. Thread-safe."""

    def __init__(
        self,
        engine: Engine,
        limits: Limits,
        concurrency: int,
        policy: ToolPolicy,
        stubs: Mapping[str, Callable[..., Any]],
    ) -> None:
        self.limits = limits
        self.policy = policy
        self.stubs = stubs
        self._engine = engine
        self._branches: dict[str, Branch] = {}
        self._orders: dict[str, RecordedOrder] = {}
        self._moments: dict[str, datetime | None] = {}
        self._given_up: set[str] = set()
        self._interrupted = InterruptedForks(engine.system_database)
        self._interrupted.sweep()
        self._tails = ThreadPoolExecutor(concurrency, thread_name_prefix="refork-tails")
        self._ends: list[Future[None]] = []
        self._shut = threading.Event()
        self._watchdog = threading.Thread(target=self._watch, name="refork-watchdog", daemon=True)
        self._watchdog.start()

    @property
    def system_database(self) -> Any:
        return self._engine.system_database

    def next_step(self) -> int:
        """The number that the next operation of the calling workflow will get."""
        return self._engine.next_step()

    def branch(self, run_id: str) -> Branch:
        """Return the branch that drives a fork."""
        return self._branches[run_id]

    def order(self, run_id: str) -> RecordedOrder:
        """Return the recorded order of the steps that a fork replays."""
        return self._orders[run_id]

    def moment(self, run_id: str) -> datetime | None:
        """Return when the recorded run of a fork reached the fork point; None if no time was recorded."""
        return self._moments.get(run_id)

    def fork_state(
        self, run: Run, fork_point: int, run_id: str | None = None, *, tail: bool = False
    ) -> ForkState:
        """Return the state for a new fork of ``run``. ``run_id`` is the id that the fork gets, None for a new one."""
        run_id = run_id or f"fork-{uuid.uuid4().hex}"
        self._orders[run_id] = RecordedOrder(run, fork_point)
        self._moments[run_id] = moment_of(run, fork_point)

        def operate(number: int, name: str) -> Step | None:
            branch = self._branches[run_id]
            return branch.on_operation(number, name) if isinstance(branch, TailBranch) else None

        return ForkState(
            run_id=run_id,
            recorded={step.number: step.name for step in run.steps},
            fork_point=fork_point,
            on_operation=operate if tail else None,
            # Looked up when they are called: the branch is made after its state.
            on_refused=lambda refusal: self._notify(run_id, lambda branch: branch.refused(refusal)),
            on_ended=lambda error, output: self._notify(run_id, lambda branch: branch.ended(error, output)),
        )

    def _notify(self, run_id: str, notify: Callable[[Branch], None]) -> None:
        """Tell a branch what happened to its fork. An error in there ends the branch, because nobody else would."""
        branch = self._branches[run_id]
        try:
            notify(branch)
        except Exception as error:
            branch.fail(error if isinstance(error, DatabaseError) else InternalError(summary(error)))

    def interrupted_or_new(self, case: Case, prefix: str) -> tuple[str, InterruptedFork | None]:
        """Return the run id for a fork of the case, and the fork of a killed session that it continues, if any.

        Answers of models that are cached on disk are not also taken from a fork: two cases may have the same run.
        """
        if self.limits.answers.is_durable and case.fork_point.kind is StepKind.MODEL:
            return f"{prefix}{uuid.uuid4().hex}", None
        interrupted = self._interrupted.take(case.run, below=case.step, prefix=prefix)
        return (interrupted.run_id, interrupted) if interrupted else (f"{prefix}{uuid.uuid4().hex}", None)

    def start(self, branch: Branch, run: Run, *, resumed: bool = False) -> None:
        """Have DBOS run a fork of ``run``, driven by ``branch``. ``resumed`` says that a killed session left it."""
        self._branches[branch.fork_state.run_id] = branch
        if resumed:
            self._engine.resume(branch.fork_state)
        else:
            self._engine.start(run, branch.fork_state)

    def start_in_turn(self, branch: TailBranch, run: Run) -> None:
        """Start a tail once the limit of concurrent calls allows it. The tail counts until its end."""

        def hold() -> None:
            with self.limits.slots.held():
                if branch.begin():
                    self._run_tail(branch, run)

        self._ends.append(self._tails.submit(hold))

    def _run_tail(self, branch: TailBranch, run: Run) -> None:
        """Run the hook before the trial, start the tail, and wait for its end."""
        try:
            with branch.in_its_world(run_on_event_loop):
                self.start(branch, run)
                branch.over.wait()
        except ReforkError as problem:
            branch.fail(problem)
        except Exception as error:
            branch.fail(ForkError(f"the fork could not be started: {summary(error)}"))

    def shut(self) -> None:
        """End every fork at once. Answers in flight are lost."""
        self._shut.set()
        self._watchdog.join(timeout=5)
        self._tails.shutdown(wait=False, cancel_futures=True)
        for run_id, branch in self._branches.items():
            if not branch.over.is_set():
                self._give_up(run_id, branch, ForkError("the session ended before the fork did"))
        wait(self._ends, timeout=IDLE_SECONDS)  # hooks tidy up after their trials
        wait_until_idle(self._engine, seconds=IDLE_SECONDS, but=self._given_up)

    def _watch(self) -> None:
        while not self._shut.wait(TICK_SECONDS):
            for run_id, branch in list(self._branches.items()):
                problem = None if branch.over.is_set() else self._overdue(branch)
                if problem is not None:
                    self._give_up(run_id, branch, problem)

    def _give_up(self, run_id: str, branch: Branch, problem: ReforkError) -> None:
        self._given_up.add(run_id)
        branch.fail(problem)
        self._engine.stop(run_id)

    def _overdue(self, branch: Branch) -> ReforkError | None:
        """Return the error of a branch that has used up its time; None if it has not."""
        if not branch.fork_state.arrived:
            return _hung(branch.fork_state, self.limits.replay_seconds)
        limit = self.limits.trial_seconds
        if isinstance(branch, StepBranch) and branch.longest_running > limit + GRACE_SECONDS:
            return ForkError(blocked(limit))
        limit = self.limits.tail_seconds
        if isinstance(branch, TailBranch) and branch.running_for > limit:
            return ForkError(
                f"the tail did not end within {limit:g} s; raise tail_timeout in [tool.refork] if it is only slow"
            )
        return None


def _hung(fork_state: ForkState, seconds: float) -> ReforkError | None:
    idle = time.monotonic() - fork_state.moved_at
    if not fork_state.started:
        # Many forks wait for each other at the start, so only a queue that stands still is an error.
        if idle <= 10 * seconds:
            return None
        return ForkError(
            f"DBOS did not start the fork within {idle:.0f} s; raise replay_timeout in [tool.refork] if many forks wait"
        )
    if idle <= seconds:
        return None
    where = (
        "before its first step"
        if fork_state.position is None
        else "after step {} ({!r})".format(*fork_state.position)
    )
    return ForkError(
        f"the replay hung {where}: nothing happened for {seconds:g} s; "
        "raise replay_timeout in [tool.refork] if the code is only slow there"
    )
