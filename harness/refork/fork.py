"""A case, variants, trials -> outcomes. The heart.

A session imports the application into a DBOS of our own; a case is forked in it once, replays from its
checkpoints up to the fork point, and there runs its trials side by side. Nothing after the fork point starts.
"""

import asyncio
import dataclasses
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from refork.case import Case, Request, Run, StepKind
from refork.config import Config
from refork.engine.gate import Gate, Refusal
from refork.engine.leftovers import Leftovers
from refork.engine.session import Engine, open_engine, wait_until_idle
from refork.errors import ForkError, ReforkError
from refork.frameworks import ModelCall, installed
from refork.outcome import Trial
from refork.retries import Retries
from refork.slots import Slots
from refork.trials import CaseFork, Limits
from refork.values import DEFAULT

__all__ = ["CaseFork", "ForkSession", "Replay", "open_session", "replay_run"]


IDLE_SECONDS: Final = 0.05


@dataclasses.dataclass(frozen=True, kw_only=True)
class Replay:
    """A run as the code replays it today. ``problem`` says in one line why some requests are missing."""

    run: Run
    problem: str | None = None


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
        session = ForkSession(engine, limits, replay_timeout)
        for framework in frameworks:
            stack.enter_context(framework.intercept(session.on_model_call, session.upcoming))
        stack.callback(session.shut)
        yield session


class ForkSession:
    """Forks cases, all under one limit of calls at once. Made by :func:`open_session`."""

    def __init__(self, engine: Engine, limits: Limits, replay_timeout: float) -> None:
        self._engine = engine
        self._limits = limits
        self._replay_timeout = replay_timeout
        self._forks: dict[str, CaseFork | _Replaying] = {}
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
        left = self._leftovers.take(case.run, below=case.step)
        gate = self._gate(case.run, case.step, run_id=left.run_id if left else None)
        fork = CaseFork(case, gate, self._limits, on_trial=on_trial, leftover=left)
        self._start(fork, gate, case.run, resumed=left is not None)
        return fork

    def replay(self, run: Run) -> Replay:
        """Replay a whole run from its checkpoints, and note every request on the way. Makes no call."""
        self._engine.check_workflow(run)
        gate = self._gate(run, max((step.number for step in run.steps), default=0) + 1)
        replaying = _Replaying(gate)
        self._start(replaying, gate, run)
        replaying.wait()
        return Replay(run=_with_requests(run, replaying.requests), problem=replaying.problem)

    def stop(self) -> None:
        """Start no more trials, wait for those in flight, then end every fork."""
        for fork in self._case_forks():
            fork.stop()
        for fork in self._case_forks():
            fork.wait()

    def shut(self) -> None:
        """End every fork at once. Answers in flight are lost."""
        self._shut.set()
        self._watchdog.join(timeout=5)
        for run_id, fork in self._forks.items():
            if not fork.wait(0):
                self._give_up(run_id, fork, ForkError("the session ended before the fork did"))
        wait_until_idle(self._engine, seconds=3.0, but=self._given_up)

    async def on_model_call(self, call: ModelCall) -> None:
        """Told by the framework of every model call, before DBOS looks for its checkpoint."""
        gate = self._engine.gate_here()
        if gate is None or self._engine.within_step():
            return
        fork, number = self._forks[gate.run_id], self._engine.next_step()
        if call.durable and number < gate.fork_point:
            fork.passing(number, call)
            return
        if not gate.arrived:
            await self._arrive(fork, number, call)
        # A call beside the fork point waits as long as the trials take. The gate is closed by any thread.
        while not gate.closed:  # noqa: ASYNC110
            await asyncio.sleep(IDLE_SECONDS)
        raise self._engine.stop(gate.run_id)

    def upcoming(self) -> str | None:
        """The recorded name of the step that the calling fork does next, None outside every fork."""
        gate = self._engine.gate_here()
        return None if gate is None else gate.recorded.get(self._engine.next_step())

    async def _arrive(self, fork: "CaseFork | _Replaying", number: int, call: ModelCall) -> None:
        gate = fork.gate
        if not call.durable:
            fork.fail(_unrecorded(call))
        elif number > gate.fork_point:
            gate.admit(number, call.step_name)
        else:
            await _whatever_happens(fork.arrive(call), gate)

    def _gate(self, run: Run, fork_point: int, run_id: str | None = None) -> Gate:
        run_id = run_id or f"fork-{uuid.uuid4().hex}"
        return Gate(
            run_id=run_id,
            recorded={step.number: step.name for step in run.steps},
            fork_point=fork_point,
            # Looked up when they are called: the fork is made after its gate.
            on_refused=lambda refusal: self._forks[run_id].refused(refusal),  # noqa: PLW0108
            on_ended=lambda error: self._forks[run_id].ended(error),  # noqa: PLW0108
        )

    def _start(self, fork: "CaseFork | _Replaying", gate: Gate, run: Run, *, resumed: bool = False) -> None:
        self._forks[gate.run_id] = fork
        if resumed:
            self._engine.resume(gate)
        else:
            self._engine.start(run, gate)

    def _case_forks(self) -> list[CaseFork]:
        return [fork for fork in self._forks.values() if isinstance(fork, CaseFork)]

    def _watch(self) -> None:
        while not self._shut.wait(0.2):
            for run_id, fork in list(self._forks.items()):
                problem = None if fork.arrived or fork.wait(0) else self._hung(fork.gate)
                if problem is not None:
                    self._give_up(run_id, fork, problem)

    def _give_up(self, run_id: str, fork: "CaseFork | _Replaying", problem: ReforkError) -> None:
        self._given_up.add(run_id)
        fork.fail(problem)
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


class _Replaying:
    """A fork that replays a whole run and stops at the first thing that was not recorded."""

    arrived = False

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.requests: dict[int, Request] = {}
        self.problem: str | None = None
        self._over = threading.Event()

    def passing(self, number: int, call: ModelCall) -> None:
        self.requests[number] = call.request

    async def arrive(self, call: ModelCall) -> None:
        self.gate.admit(self.gate.fork_point, call.step_name)

    def refused(self, refusal: Refusal) -> None:
        recorded = (
            "was not recorded" if refusal.recorded is None else f"was {refusal.recorded!r} when recorded"
        )
        self.fail(ForkError(f"step {refusal.number}, {refusal.reached!r} in today's code, {recorded}"))

    def ended(self, _error: str | None) -> None:
        self._over.set()

    def fail(self, problem: ReforkError) -> None:
        self.problem = self.problem or str(problem)
        self.gate.close()
        self._over.set()

    def wait(self, seconds: float | None = None) -> bool:
        return self._over.wait(seconds)


async def _whatever_happens(trials: Coroutine[Any, Any, None], gate: Gate) -> None:
    """Wait for the trials, although the application may give up waiting for its model, or a sibling fails."""
    running = asyncio.create_task(trials)
    while not running.done():
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            if gate.closed:
                raise


def _unrecorded(call: ModelCall) -> ForkError:
    return ForkError(
        f"the code calls the model of agent {call.request.agent!r} outside of every DBOS step, so that its "
        "answer is not recorded and a replay would pay for another; run that agent with DBOSRunner, or in a step"
    )


def _with_requests(run: Run, requests: dict[int, Request]) -> Run:
    steps = tuple(
        dataclasses.replace(
            step, request=request, agent=request.agent, model=request.model, kind=StepKind.MODEL
        )
        if (request := requests.get(step.number)) is not None
        else step
        for step in run.steps
    )
    return dataclasses.replace(run, steps=steps)


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
