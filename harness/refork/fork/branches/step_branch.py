"""A fork in ``step`` scope: it waits at the fork point, and runs trials there side by side, each a step of it."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import Any, Final

from refork.answer_cache import AnswerKey, AnswersMode, digest_of, normalizers
from refork.dbos.evals_database.interrupted_forks import InterruptedFork
from refork.dbos.replay.admission import ForkState, Refusal
from refork.dbos.replay.reservations import reserve_step
from refork.errors import ForkError, ReforkError
from refork.fork.attempts import not_asked, trial_error
from refork.fork.branches.branch import Branch, ended_early, misfit, stale, unrecorded
from refork.fork.branches.step_rerun import ToolRun
from refork.fork.branches.tool_results import RecordedToolResults
from refork.fork.http_steps import Exchanges, Kind, Making
from refork.fork.trials.cached_trials import missing, not_kept, reused
from refork.fork.trials.scheduled_trial import AnswerRecorder, ScheduledTrial
from refork.fork.trials.trial_step import Limits, at_fault, name_of, run_trial
from refork.frameworks.protocol import ModelCall, StepCall, StepRun
from refork.records import Case
from refork.records.outcome import ErrorKind, Trial, cached_answer
from refork.records.variant import CURRENT, Variant
from refork.redaction.error_text import summary
from refork.tool_policy import Action, ToolPolicy, last_part

IDLE_SECONDS: Final = 0.05

WholeStep = Callable[[StepCall], ModelCall | None]


class StepBranch(Branch):
    """Runs the trials of one case at its fork point, or those of one variant of it.

    ``only`` is the variant that the fork was made for, None where each trial's call is changed in place.
    ``whole_step`` gives the model call of a step at the fork point.
    """

    def __init__(
        self,
        case: Case,
        fork_state: ForkState,
        keeper: AnswerRecorder,
        limits: Limits,
        *,
        told: RecordedToolResults,
        policy: ToolPolicy,
        whole_step: WholeStep,
        only: Variant | None = None,
        leftover: InterruptedFork | None = None,
    ) -> None:
        super().__init__(fork_state, told, policy)
        self._case = case
        self._keeper = keeper
        self._limits = limits
        self.point = case.fork_point.name
        self._whole_step = whole_step
        self._only = only
        self._leftover = leftover
        self._lock = Lock()
        self._backlog: list[ScheduledTrial] = []
        self._taken: list[ScheduledTrial] = []
        self._running: dict[ScheduledTrial, float] = {}
        self._digests: dict[str, str] = {}
        self._wake: Callable[[], None] | None = None
        self._closing = False
        self._stopping = False

    @property
    def run_id(self) -> str:
        return self.fork_state.run_id

    @property
    def arrived(self) -> bool:
        return self.fork_state.arrived

    def add(self, planned: Sequence[ScheduledTrial]) -> None:
        with self._lock:
            self._backlog.extend(planned)
            self._taken.extend(planned)
        self._awaken()

    def close(self) -> None:
        with self._lock:
            self._closing = True
        self._awaken()

    def stop(self) -> Sequence[ScheduledTrial]:
        with self._lock:
            self._stopping = self._closing = True
            dropped, self._backlog = self._backlog, []
        self._awaken()
        return dropped

    def wait(self, seconds: float | None = None) -> bool:
        return self.over.wait(seconds)

    # What the fork itself calls, from DBOS's threads and loops.

    def variant(self, agent: str | None) -> Variant | None:
        tried = self._only
        if tried is None or tried.name == CURRENT or agent not in (None, self._case.agent):
            return None
        return tried

    async def on_model_call(self, number: int, call: ModelCall) -> ModelCall | None:
        fork_state = self.fork_state
        if call.durable and number < fork_state.fork_point:
            return None
        if not fork_state.arrived:
            if not call.durable:
                self.fail(unrecorded(call))
            elif number > fork_state.fork_point:
                return None  # DBOS asks for the step, and it is refused
            else:
                await _whatever_happens(self._arrive(call), fork_state)
        await self._held()
        return None

    def on_step(self, step: StepCall) -> Coroutine[Any, Any, None] | None:
        if step.number != self.fork_state.fork_point or self.fork_state.arrived:
            return None
        call = self._whole_step(step) if step.name == self._case.fork_point.name else None
        return None if call is None else self._at(call)

    async def _at(self, call: ModelCall) -> None:
        await _whatever_happens(self._arrive(call), self.fork_state)
        await self._held()

    async def _held(self) -> None:
        """A call beside the fork point waits as long as the trials take. The fork state is closed by any thread."""
        while not self.fork_state.closed:  # noqa: ASYNC110
            await asyncio.sleep(IDLE_SECONDS)

    def refused(self, refusal: Refusal) -> None:
        self.fail(stale(self._case, refusal))

    def ended(self, error: str | None, _output: str | None) -> None:
        self.fail(ended_early(self._case, error))

    def fail(self, problem: ReforkError) -> None:
        if not self.over.is_set():
            self._tell(problem)
        self.fork_state.close()
        with suppress(RuntimeError):  # its loop may be closed by then
            self._awaken()
        self._finish()

    def _tell(self, problem: ReforkError) -> None:
        """What one candidate breaks is told of its own trials alone."""
        if self._only is None or self._only.name == CURRENT:
            self._keeper.fail(problem)
            return
        with self._lock:
            taken, self._backlog = list(self._taken), []
        error = trial_error(problem)
        for planned in taken:
            if planned.result.running() or self._keeper.begin(planned):
                self._keeper.give(planned, planned.said(error=error))

    def _arrive(self, call: ModelCall) -> Coroutine[Any, Any, None]:
        """The fork point. Gives what runs all that is planned, until the fork is closed."""
        problem = misfit(self._case, call)
        if problem is not None:
            self.fail(problem)
            return _nothing()
        # Drawn before anything is awaited, so nothing else can draw one of these numbers.
        return self._run_trials(call, self._reserve_recorded()) if self.fork_state.arrive() else _nothing()

    async def _run_trials(self, call: ModelCall, kept: dict[str, Any]) -> None:
        loop, wake = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            self._wake = partial(_awaken_on, loop, wake)
        calls: dict[str, ModelCall | Exception] = {}
        running: set[asyncio.Task[None]] = set()
        try:
            while True:
                wake.clear()
                with self._lock:
                    batch, self._backlog = self._backlog, []
                    closing = self._closing
                for planned in batch:
                    task = self._launch(planned, call, calls, kept)
                    if task is not None:
                        running.add(task)
                if batch:
                    continue
                if closing or self.fork_state.closed:
                    break
                await wake.wait()
            if not self.fork_state.closed:
                await asyncio.gather(*running)
        except BaseException as error:
            self.fail(ForkError(f"the fork was cut short while its trials were running: {summary(error)}"))
            raise
        finally:
            for task in running:
                task.cancel()
        self.fork_state.close()
        self._finish()

    def _reserve_recorded(self) -> dict[str, Any]:
        """The steps that a killed session left checkpoints of, by name, each with its own number again."""
        kept: dict[str, Any] = {}
        if self._leftover is None:
            return kept
        drawn = 0
        while drawn < self._leftover.last:
            reservation = reserve_step()
            drawn = reservation.step_id
            name = self._leftover.trials.get(drawn)
            if name is not None:
                kept[name] = reservation
        return kept

    def _launch(
        self,
        planned: ScheduledTrial,
        call: ModelCall,
        calls: dict[str, ModelCall | Exception],
        kept: dict[str, Any],
    ) -> "asyncio.Task[None] | None":
        changed = self._call_of(planned.variant, call, calls)
        if isinstance(changed, Exception):
            if self._keeper.begin(planned):
                self._keeper.give(planned, planned.said(error=trial_error(changed)))
            return None
        name = name_of(planned.variant.name, planned.number, changed.request)
        try:
            key = self._key(planned, changed)
            if self._answered(planned, changed, key):
                return None
        except ReforkError as problem:  # a damaged file, or a normalizer that raised
            self._keeper.fail(problem)
            return None
        reservation = kept.pop(name, None) or reserve_step()
        self.fork_state.plan(reservation.step_id, name)
        task = asyncio.create_task(self._try(planned, changed, reservation, name, key))
        task.add_done_callback(_retrieve)
        return task

    def _call_of(
        self, variant: Variant, call: ModelCall, calls: dict[str, ModelCall | Exception]
    ) -> ModelCall | Exception:
        if variant.name not in calls:
            try:
                changed = call if self._only is not None else call.changed(variant)
                self._keeper.sent(variant.name, changed.request)
                calls[variant.name] = changed
            except Exception as error:  # what one variant asks for breaks none of the others
                calls[variant.name] = error
        return calls[variant.name]

    def _key(self, planned: ScheduledTrial, call: ModelCall) -> AnswerKey | None:
        """What the answer is kept by. None for what a tool gives: that is no answer of a model."""
        if isinstance(call, ToolRun) or (isinstance(call, StepRun) and call.live):
            return None
        name = planned.variant.name
        if name not in self._digests:
            ids = (self.fork_state.run_id, self._case.run.id)
            self._digests[name] = digest_of(call.request, code=call.code, own_ids=ids)
        return AnswerKey(self._digests[name], planned.number, normalizers=normalizers())

    def _answered(self, planned: ScheduledTrial, call: ModelCall, key: AnswerKey | None) -> bool:
        """Whether a trial was given without a call: from what is kept, or as missing where no call may be made."""
        if key is None:
            return False
        kept = self._limits.answers.find(self._case.folder, key)
        if kept is None and (self._limits.answers.mode is not AnswersMode.OFFLINE or self._by_request(call)):
            return False
        if kept is None:
            draws = self._limits.answers.draws(self._case.folder, key.digest)
            trial = missing(planned, call.request, draws)
        else:
            trial = reused(planned, kept)
        if self._keeper.begin(planned):
            self._keeper.give(planned, trial)
        return True

    def _by_request(self, call: ModelCall) -> bool:
        """Whether the code of a step is run over answers that are kept of its requests."""
        return isinstance(call, StepRun) and self._limits.answers.holds(self._case.folder, "http")

    async def _try(
        self, planned: ScheduledTrial, call: ModelCall, reservation: Any, name: str, key: AnswerKey | None
    ) -> None:
        # The slot is held until the answer is noted: a kill then pays at most `limit` calls twice.
        async with self._limits.slots.one():
            if not self._keeper.begin(planned):
                return
            self._running[planned] = time.monotonic()
            try:
                trial = await self._tried(planned, call, reservation, name, key)
            finally:
                del self._running[planned]
        self._keeper.give(planned, trial)

    async def _tried(
        self, planned: ScheduledTrial, call: ModelCall, reservation: Any, name: str, key: AnswerKey | None
    ) -> Trial:
        """The trial, whatever happens. Raises only where the fork is over."""
        account, limits = account_of(call), self._limits
        refused = limits.account.refused(account)
        if refused is not None:
            return planned.said(error=not_asked(refused))
        try:
            trial = await run_trial(
                planned.variant.name,
                planned.number,
                call,
                reservation=reservation,
                name=name,
                limits=limits,
                key=key,
                note=self._note,
                exchanges=self._exchanges(planned, call),
            )
        except BaseException as error:
            if self.fork_state.closed:
                raise
            return planned.said(error=at_fault(error))
        if trial.error is not None and trial.error.kind is ErrorKind.ACCOUNT:
            limits.account.refuse(account, trial.error)
        return trial

    async def _note(self, trial: Trial) -> None:
        kept = cached_answer(trial)
        if kept is not None:
            await asyncio.to_thread(self._limits.answers.note, self._case.folder, kept)

    @property
    def longest_running(self) -> float:
        """Seconds for which the oldest of the trials in flight has been running."""
        return time.monotonic() - min(list(self._running.values()), default=time.monotonic())

    def _exchanges(self, planned: ScheduledTrial, call: ModelCall) -> Exchanges | None:
        """Those of a call that is a run of a step's code."""
        if not isinstance(call, StepRun):
            return None
        return Exchanges(
            Making(
                step=last_part(call.step_name),
                agent=self._case.agent,
                trial=planned.number,
                store=self._limits.answers,
                folder=self._case.folder,
                own_ids=(self.fork_state.run_id, self._case.run.id),
                retries=self._limits.retries,
                kind=Kind.LIVE if call.live or self._may_act(call) else Kind.MODEL,
                candidate=call.candidate,
                sends=partial(self._keeper.sent, planned.variant.name),
                missing=partial(not_kept, planned),
            )
        )

    def _may_act(self, call: ModelCall) -> bool:
        return self.policy.action_for(call.step_name) is Action.LIVE

    def _awaken(self) -> None:
        with self._lock:
            wake = self._wake
            # Stopped before the fork point: nothing will come.
            idle = self._stopping and wake is None
        if wake is not None:
            wake()
        elif idle:
            self.fork_state.close()
            self._finish()

    def _finish(self) -> None:
        with self._lock:
            self._wake = None
        self.over.set()


def account_of(call: ModelCall) -> str:
    """A name that calls share which are made with one key."""
    return getattr(call, "account", None) or call.step_name


def _awaken_on(loop: asyncio.AbstractEventLoop, wake: asyncio.Event) -> None:
    loop.call_soon_threadsafe(wake.set)


def _retrieve(task: "asyncio.Task[None]") -> None:
    """What a trial could not say in its result is in the fork's; asyncio need not print it."""
    if not task.cancelled():
        task.exception()


async def _nothing() -> None:
    """There is nothing to run."""


async def _whatever_happens(trials: Coroutine[Any, Any, None], fork_state: ForkState) -> None:
    """Wait for the trials, although the application may give up waiting for its model, or a sibling fails."""
    running = asyncio.create_task(trials)
    while not running.done():
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            if fork_state.closed:
                raise
