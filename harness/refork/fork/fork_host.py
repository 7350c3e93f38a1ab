"""Where the forks of a session live: it starts them, knows them by their run id, and ends those that hang."""

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
"""How long after its time a trial may still end by itself: else its event loop stands still."""


class ForkHost:
    """The engine as branches see it. Safe to use from many threads."""

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
        self._leftovers = InterruptedForks(engine.system_database)
        self._leftovers.sweep()
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
        return self._branches[run_id]

    def order(self, run_id: str) -> RecordedOrder:
        """The order of the steps that a fork replays."""
        return self._orders[run_id]

    def moment(self, run_id: str) -> datetime | None:
        """When the run of a fork came to the fork point."""
        return self._moments.get(run_id)

    def fork_state(
        self, run: Run, fork_point: int, run_id: str | None = None, *, tail: bool = False
    ) -> ForkState:
        """The state of a fork of ``run`` that is about to be made."""
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
            on_refused=lambda refusal: self._told(run_id, lambda branch: branch.refused(refusal)),
            on_ended=lambda error, output: self._told(run_id, lambda branch: branch.ended(error, output)),
        )

    def _told(self, run_id: str, tell: Callable[[Branch], None]) -> None:
        """Tell a branch what became of its fork. What goes wrong in there ends it: nobody else would."""
        branch = self._branches[run_id]
        try:
            tell(branch)
        except Exception as error:
            branch.fail(error if isinstance(error, DatabaseError) else InternalError(summary(error)))

    def left(self, case: Case, prefix: str) -> tuple[str, InterruptedFork | None]:
        """The id of a fork of the case: that of one that a killed session left, or a new one.

        Answers of models that are durable by themselves are not taken twice: two cases may be of one run.
        """
        if self.limits.answers.is_durable and case.fork_point.kind is StepKind.MODEL:
            return f"{prefix}{uuid.uuid4().hex}", None
        left = self._leftovers.take(case.run, below=case.step, prefix=prefix)
        return (left.run_id, left) if left else (f"{prefix}{uuid.uuid4().hex}", None)

    def start(self, branch: Branch, run: Run, *, resumed: bool = False) -> None:
        """Let DBOS run a fork of ``run`` under the branch's state."""
        self._branches[branch.fork_state.run_id] = branch
        if resumed:
            self._engine.resume(branch.fork_state)
        else:
            self._engine.start(run, branch.fork_state)

    def start_in_turn(self, branch: TailBranch, run: Run) -> None:
        """The same once a slot is free, which it holds to its end."""

        def hold() -> None:
            with self.limits.slots.held():
                if branch.begin():
                    self._last_through(branch, run)

        self._ends.append(self._tails.submit(hold))

    def _last_through(self, branch: TailBranch, run: Run) -> None:
        """Start a tail in a world of its own, and wait for its end."""
        try:
            with branch.in_its_world(run_on_event_loop):
                self.start(branch, run)
                branch.over.wait()
        except ReforkError as problem:
            branch.fail(problem)
        except Exception as error:
            branch.fail(ForkError(f"the fork was not made: {summary(error)}"))

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
                problem = None if branch.over.is_set() else self._late(branch)
                if problem is not None:
                    self._give_up(run_id, branch, problem)

    def _give_up(self, run_id: str, branch: Branch, problem: ReforkError) -> None:
        self._given_up.add(run_id)
        branch.fail(problem)
        self._engine.stop(run_id)

    def _late(self, branch: Branch) -> ReforkError | None:
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
        return ForkError("DBOS did not start the fork") if idle > 10 * seconds else None
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
