"""The trials of one case: planned from the outside, run inside its fork, side by side, each a step of it."""

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from threading import Event, Lock
from typing import Any

from dbos import DBOS
from pydantic import TypeAdapter

from refork.case import Answer, Case, Json, Request
from refork.engine.gate import Gate, Refusal
from refork.engine.leftovers import Leftover
from refork.errors import ForkError, ReforkError, StaleError
from refork.frameworks import ModelCall, Reply
from refork.outcome import ForkStatus, Outcome, Trial, TrialError
from refork.retries import Retries, last_error
from refork.slots import Slots
from refork.usage import Usage
from refork.variant import Variant

_ANSWER = TypeAdapter(Answer)
_USAGE = TypeAdapter(Usage | None)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What bounds the trials: shared by every case of a session."""

    slots: Slots
    retries: Retries
    trial_seconds: float


@dataclass(frozen=True, kw_only=True, eq=False)
class _Planned:
    variant: Variant
    number: int
    result: "Future[Trial]" = field(default_factory=Future)


class CaseFork:
    """One case's fork, open for trials until it is closed. Safe to call from any thread."""

    def __init__(
        self,
        case: Case,
        gate: Gate,
        limits: Limits,
        *,
        on_trial: Callable[[Trial], None] | None = None,
        leftover: Leftover | None = None,
    ) -> None:
        self.case = case
        self.gate = gate
        self.started_at = time.monotonic()
        self._limits = limits
        self._on_trial = on_trial
        self._leftover = leftover
        self._lock = Lock()
        self._backlog: list[_Planned] = []
        self._unanswered: set[_Planned] = set()
        self._wake: Callable[[], None] | None = None
        self._closing = False
        self._stopping = False
        self._problem: ReforkError | None = None
        self._requests: dict[str, Request] = {}
        self._trials: list[Trial] = []
        self._numbers: dict[str, int] = {}
        self._ended_at: float | None = None
        self._over = Event()

    @property
    def arrived(self) -> bool:
        return self.gate.arrived

    def run(self, variant: Variant, trials: int) -> Sequence["Future[Trial]"]:
        """Plan so many more trials of a variant. Each future gives a Trial, or raises what stopped the fork.

        A future that is cancelled before its trial began takes the trial back. A fork that was closed or
        stopped takes none: its futures are cancelled.
        """
        with self._lock:
            first = self._numbers.get(variant.name, 0) + 1
            self._numbers[variant.name] = first + trials - 1
            planned = [_Planned(variant=variant, number=first + i) for i in range(trials)]
            problem, late = self._problem, self._closing or self._over.is_set()
            if problem is None and not late:
                self._backlog.extend(planned)
                self._unanswered.update(planned)
        if problem is not None:
            _refuse(planned, problem)
        elif late:
            _cancel(planned)
        self._awaken()
        return [each.result for each in planned]

    def close(self) -> None:
        """Take no more trials: the fork ends when those that were planned are done."""
        with self._lock:
            self._closing = True
        self._awaken()

    def stop(self) -> None:
        """Start no more trials; those in flight are waited for, since their answers are being paid."""
        with self._lock:
            self._stopping = self._closing = True
            dropped, self._backlog = self._backlog, []
            self._unanswered.difference_update(dropped)
        _cancel(dropped)
        self._awaken()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the fork is over; whether it is."""
        return self._over.wait(seconds)

    def outcome(self) -> Outcome:
        """What was measured up to now."""
        with self._lock:
            problem, trials = self._problem, tuple(sorted(self._trials, key=lambda t: (t.variant, t.number)))
        status = ForkStatus.MEASURED
        if problem is not None:
            status = ForkStatus.STALE if isinstance(problem, StaleError) else ForkStatus.ERROR
        return Outcome(
            case=self.case.name,
            status=status,
            reason=str(problem) if problem else "",
            run_id=self.gate.run_id,
            requests=dict(self._requests),
            trials=trials,
            seconds=(self._ended_at or time.monotonic()) - self.started_at,
        )

    # What the fork itself calls, from DBOS's threads and loops.

    def passing(self, number: int, call: ModelCall) -> None:
        """A model call of the prefix: its answer is in its checkpoint."""

    def refused(self, refusal: Refusal) -> None:
        self.fail(StaleError(_stale(self.case, refusal)))

    def ended(self, error: str | None) -> None:
        """The workflow came to its end without reaching the fork point."""
        point = self.case.fork_point
        how = "it returned" if error is None else f"it raised {error}"
        text = f"the code no longer reaches step {point.number} ({point.name!r}): {how} before; {WHAT_TO_DO}"
        self.fail(StaleError(text))

    def fail(self, problem: ReforkError) -> None:
        """Nothing can be measured: tell every planned trial, and those to come."""
        with self._lock:
            if self._problem is None and not self._over.is_set():
                self._problem = problem
            self._backlog = []
            unanswered, self._unanswered = self._unanswered, set()
        _refuse(unanswered, problem)
        self.gate.close()
        with suppress(RuntimeError):  # its loop may be closed by then
            self._awaken()
        self._finish()

    def arrive(self, call: ModelCall) -> Coroutine[Any, Any, None]:
        """The fork point. Gives what runs all that is planned, until the fork is closed."""
        problem = self._misfit(call)
        if problem is not None:
            self.fail(problem)
            return _nothing()
        # Drawn before anything is awaited, so nothing else can draw one of these numbers.
        return self._run_trials(call, self._reserve_recorded()) if self.gate.arrive() else _nothing()

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
                if closing or self.gate.closed:
                    break
                await wake.wait()
            if not self.gate.closed:
                await asyncio.gather(*running)
        except BaseException:
            self.fail(ForkError("the fork was cut short while its trials were running"))
            raise
        finally:
            for task in running:
                task.cancel()
        self.gate.close()
        self._finish()

    def _misfit(self, call: ModelCall) -> ReforkError | None:
        """What speaks against this model call being the one that was captured."""
        point, agent = self.case.fork_point, call.request.agent
        if call.step_name != point.name:
            return StaleError(
                _stale(self.case, Refusal(number=point.number, reached=call.step_name, recorded=point.name))
            )
        if self.case.agent is not None and agent is not None and agent != self.case.agent:
            return StaleError(
                f"step {point.number} was a call of agent {self.case.agent!r}, the code now calls {agent!r} there; "
                + WHAT_TO_DO
            )
        return None

    def _reserve_recorded(self) -> dict[str, Any]:
        """The steps that a killed session left checkpoints of, by name, each with its own number again."""
        kept: dict[str, Any] = {}
        if self._leftover is not None:
            for _ in range(self.gate.fork_point, self._leftover.last + 1):
                reservation = DBOS.reserve_step()
                name = self._leftover.trials.get(reservation.step_id)
                if name is not None:
                    kept[name] = reservation
        return kept

    def _launch(
        self,
        planned: _Planned,
        call: ModelCall,
        calls: dict[str, ModelCall | Exception],
        kept: dict[str, Any],
    ) -> "asyncio.Task[None] | None":
        changed = self._call_of(planned.variant, call, calls)
        if isinstance(changed, Exception):
            if not self._begin(planned):
                return None
            error = TrialError(type=type(changed).__name__, message=str(changed))
            self._give(planned, Trial(variant=planned.variant.name, number=planned.number, error=error))
            return None
        name = f"trial:{planned.variant.name}:{planned.number}:{digest(changed.request)}"
        reservation = kept.pop(name, None) or DBOS.reserve_step()
        self.gate.plan(reservation.step_id, name)
        task = asyncio.create_task(self._try(planned, changed, reservation, name))
        task.add_done_callback(_retrieve)
        return task

    def _call_of(
        self, variant: Variant, call: ModelCall, calls: dict[str, ModelCall | Exception]
    ) -> ModelCall | Exception:
        if variant.name not in calls:
            try:
                changed = call.changed(variant)
                self._requests[variant.name] = changed.request
                calls[variant.name] = changed
            except Exception as error:  # what one variant asks for breaks none of the others
                calls[variant.name] = error
        return calls[variant.name]

    def _begin(self, planned: _Planned) -> bool:
        """Whether the trial is still wanted; from now on nobody can take it back."""
        with self._lock:
            if planned not in self._unanswered:
                return False
            if self._stopping:
                planned.result.cancel()
            begun = planned.result.set_running_or_notify_cancel()
            if not begun:
                self._unanswered.remove(planned)
            return begun

    async def _try(self, planned: _Planned, call: ModelCall, reservation: Any, name: str) -> None:
        # The slot is held until the checkpoint is written: a kill then pays at most `limit` calls twice.
        async with self._limits.slots.one():
            if not self._begin(planned):
                return
            trial = await self._run_step(planned, call, reservation, name)
        self._give(planned, trial)

    async def _run_step(self, planned: _Planned, call: ModelCall, reservation: Any, name: str) -> Trial:
        ran = False

        async def step() -> Json:
            nonlocal ran
            ran = True
            began = time.monotonic()
            reply = await asyncio.wait_for(call.send(), self._limits.trial_seconds)
            return _kept(reply, time.monotonic() - began)

        common: dict[str, Any] = {
            "variant": planned.variant.name,
            "number": planned.number,
            "model": call.request.model,
        }
        try:
            kept = await reservation.run_async({"name": name, **self._limits.retries.step_options()}, step)
            return Trial(
                **common,
                answer=_ANSWER.validate_python(kept["answer"]),
                usage=_USAGE.validate_python(kept["usage"]),
                seconds=kept["seconds"],
                raw=kept["raw"],
                resumed=not ran,
            )
        except Exception as error:
            cause = last_error(error)
            message = _message(cause) or f"no answer within {self._limits.trial_seconds:g} s"
            return Trial(**common, error=TrialError(type=type(cause).__name__, message=message))

    def _give(self, planned: _Planned, trial: Trial) -> None:
        with self._lock:
            if planned not in self._unanswered:
                return
            self._unanswered.remove(planned)
            self._trials.append(trial)
        planned.result.set_result(trial)
        if self._on_trial is not None:
            with suppress(Exception):  # whoever listens loses nobody an answer
                self._on_trial(trial)

    def _awaken(self) -> None:
        with self._lock:
            wake = self._wake
            # Closed before anything was planned, or stopped before the fork point: nothing will come.
            idle = self._stopping and wake is None
        if wake is not None:
            wake()
        elif idle:
            self.gate.close()
            self._finish()

    def _finish(self) -> None:
        with self._lock:
            self._wake = None
            self._ended_at = self._ended_at or time.monotonic()
        self._over.set()


def _awaken_on(loop: asyncio.AbstractEventLoop, wake: asyncio.Event) -> None:
    loop.call_soon_threadsafe(wake.set)


def _retrieve(task: "asyncio.Task[None]") -> None:
    """What a trial could not say in its result is in the fork's; asyncio need not print it."""
    if not task.cancelled():
        task.exception()


async def _nothing() -> None:
    """There is nothing to run."""


def _refuse(planned: Iterable[_Planned], problem: ReforkError) -> None:
    for each in planned:
        if each.result.running() or each.result.set_running_or_notify_cancel():
            each.result.set_exception(problem)


def _cancel(planned: Iterable[_Planned]) -> None:
    for each in planned:
        each.result.cancel()
        each.result.set_running_or_notify_cancel()  # tells those who wait for it


WHAT_TO_DO = "capture the run again with the code as it is, or bring the step back"


def _stale(case: Case, refusal: Refusal) -> str:
    point = case.fork_point
    if refusal.recorded is None:
        recorded = f"the recorded run has no step {refusal.number}"
    else:
        recorded = f"step {refusal.number} was {refusal.recorded!r} when the run was recorded"
    return (
        f"the code no longer reaches the fork point, step {point.number} ({point.name!r}): {recorded}, "
        f"the code reached {refusal.reached!r} there; nothing of it has run; {WHAT_TO_DO}"
    )


def digest(request: Request) -> str:
    """Twelve hexadecimal digits that change with anything that is sent."""
    text = json.dumps(asdict(request), sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _kept(reply: Reply, seconds: float) -> Json:
    return {
        "answer": _ANSWER.dump_python(reply.answer, mode="json"),
        "usage": _USAGE.dump_python(reply.usage, mode="json"),
        "seconds": seconds,
        "raw": reply.raw,
    }


def _message(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 500 else text[:499] + "…"
