"""Launches trials at a fork point: each makes the intercepted model call once, as a DBOS step of the fork."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from refork.answer_cache import AnswerKey, AnswersMode, digest_of, normalizers
from refork.dbos.evals_database.interrupted_forks import InterruptedFork
from refork.dbos.replay.admission import ForkState
from refork.dbos.replay.reservations import reserve_step
from refork.errors import ReforkError
from refork.fork.attempts import not_sent, trial_error
from refork.fork.branches.step_rerun import ToolRun
from refork.fork.branches.trial_queue import TrialQueue
from refork.fork.http_steps import Exchanges, Kind, Making
from refork.fork.trials.cached_trials import missing_answer_message, missing_trial, reused_trial
from refork.fork.trials.scheduled_trial import AnswerRecorder, ScheduledTrial
from refork.fork.trials.trial_step import Limits, at_fault, name_of, run_trial
from refork.frameworks.protocol import ModelCall, StepRun
from refork.records import Case
from refork.records.outcome import ErrorKind, Trial, cached_answer
from refork.records.variant import Variant
from refork.tool_policy import last_part


@dataclass(frozen=True, kw_only=True)
class _Attempt:
    """A trial that is about to run. ``call`` has the variant; ``key`` is that of its answer, None if none is cached.

    ``reservation`` is the number of its step, ``name`` the step's name.
    """

    scheduled: ScheduledTrial
    call: ModelCall
    reservation: Any
    name: str
    key: AnswerKey | None


class StepTrials:
    """Launches the trials of one fork. It is made and called in the fork's workflow, on its event loop.

    ``call`` is the model call at the fork point. If ``is_changed``, it has the variant already, because the fork was
    made for that variant; otherwise each trial changes it. ``may_act`` returns whether the step of a call may have
    side effects besides calling its model.
    """

    def __init__(
        self,
        case: Case,
        fork_state: ForkState,
        recorder: AnswerRecorder,
        limits: Limits,
        *,
        queue: TrialQueue,
        call: ModelCall,
        is_changed: bool,
        may_act: Callable[[ModelCall], bool],
    ) -> None:
        self._case = case
        self._fork_state = fork_state
        self._recorder = recorder
        self._limits = limits
        self._queue = queue
        self._call = call
        self._is_changed = is_changed
        self._may_act = may_act
        self._calls: dict[str, ModelCall | Exception] = {}
        self._digests: dict[str, str] = {}
        self._interrupted: dict[str, Any] = {}

    def reserve_again(self, interrupted: InterruptedFork | None) -> None:
        """Reserve the step numbers of a killed session's checkpoints again, so that each trial finds its own.

        Called before anything is awaited at the fork point, so nothing else can take one of these numbers.
        """
        drawn = 0
        while interrupted is not None and drawn < interrupted.last:
            reservation = reserve_step()
            drawn = reservation.step_id
            name = interrupted.trials.get(drawn)
            if name is not None:
                self._interrupted[name] = reservation

    def launch(self, scheduled: ScheduledTrial) -> "asyncio.Task[None] | None":
        """Start a trial. Returns None if it needs no call, because its answer is cached or its variant does not fit."""
        changed = self._call_of(scheduled.variant)
        if isinstance(changed, Exception):
            if self._recorder.begin(scheduled):
                self._recorder.record(scheduled, scheduled.as_trial(error=trial_error(changed)))
            return None
        name = name_of(scheduled.variant.name, scheduled.number, changed.request)
        try:
            key = self._key(scheduled, changed)
            if self._answered(scheduled, changed, key):
                return None
        except ReforkError as problem:  # a damaged file, or a normalizer that raised
            self._recorder.fail(problem)
            return None
        reservation = self._interrupted.pop(name, None) or reserve_step()
        self._fork_state.schedule(reservation.step_id, name)
        attempt = _Attempt(scheduled=scheduled, call=changed, reservation=reservation, name=name, key=key)
        task = asyncio.create_task(self._make(attempt))
        task.add_done_callback(_retrieve)
        return task

    def _call_of(self, variant: Variant) -> ModelCall | Exception:
        if variant.name not in self._calls:
            try:
                changed = self._call if self._is_changed else self._call.changed(variant)
                self._recorder.note_request(variant.name, changed.request)
                self._calls[variant.name] = changed
            except Exception as error:  # what one variant asks for breaks none of the others
                self._calls[variant.name] = error
        return self._calls[variant.name]

    def _key(self, scheduled: ScheduledTrial, call: ModelCall) -> AnswerKey | None:
        """Return the key of the cached answer; None for the result of a tool, which is no answer of a model."""
        if isinstance(call, ToolRun) or (isinstance(call, StepRun) and call.live):
            return None
        name = scheduled.variant.name
        if name not in self._digests:
            ids = (self._fork_state.run_id, self._case.run.id)
            self._digests[name] = digest_of(call.request, code=call.code, own_ids=ids)
        return AnswerKey(self._digests[name], scheduled.number, normalizers=normalizers())

    def _answered(self, scheduled: ScheduledTrial, call: ModelCall, key: AnswerKey | None) -> bool:
        """Record a trial without a call, and return True, if its answer is cached or no call may be made for it."""
        if key is None:
            return False
        cached = self._limits.answers.find(self._case.folder, key)
        if cached is None and (
            self._limits.answers.mode is not AnswersMode.OFFLINE or self._by_request(call)
        ):
            return False
        if cached is None:
            draws = self._limits.answers.draws(self._case.folder, key.digest)
            trial = missing_trial(scheduled, call.request, draws)
        else:
            trial = reused_trial(scheduled, cached)
        if self._recorder.begin(scheduled):
            self._recorder.record(scheduled, trial)
        return True

    def _by_request(self, call: ModelCall) -> bool:
        """Return whether the call runs a step's code, and answers to that code's requests are cached."""
        return isinstance(call, StepRun) and self._limits.answers.holds(self._case.folder, "http")

    async def _make(self, attempt: _Attempt) -> None:
        scheduled = attempt.scheduled
        # The place is held until the answer is noted: a kill then pays at most `limit` calls twice.
        async with self._limits.slots.one():
            if not self._recorder.begin(scheduled):
                return
            with self._queue.running(scheduled):
                trial = await self._outcome(attempt)
        self._recorder.record(scheduled, trial)

    async def _outcome(self, attempt: _Attempt) -> Trial:
        """Return the trial, whatever its call raises. Raises only if the fork is over."""
        scheduled, call, limits = attempt.scheduled, attempt.call, self._limits
        account = (
            getattr(call, "account", None) or call.step_name
        )  # calls share it that are made with one key
        refused = limits.account.refused(account)
        if refused is not None:
            return scheduled.as_trial(error=not_sent(refused))
        try:
            trial = await run_trial(
                scheduled.variant.name,
                scheduled.number,
                call,
                reservation=attempt.reservation,
                name=attempt.name,
                limits=limits,
                key=attempt.key,
                note=self._note,
                exchanges=self._exchanges(scheduled, call),
            )
        except BaseException as error:
            if self._fork_state.closed:
                raise
            return scheduled.as_trial(error=at_fault(error))
        if trial.error is not None and trial.error.kind is ErrorKind.ACCOUNT:
            limits.account.refuse(account, trial.error)
        return trial

    async def _note(self, trial: Trial) -> None:
        answer = cached_answer(trial)
        if answer is not None:
            await asyncio.to_thread(self._limits.answers.note, self._case.folder, answer)

    def _exchanges(self, scheduled: ScheduledTrial, call: ModelCall) -> Exchanges | None:
        """Return what answers the HTTP requests of a call that runs a step's code; None for any other call."""
        if not isinstance(call, StepRun):
            return None
        return Exchanges(
            Making(
                step=last_part(call.step_name),
                agent=self._case.agent,
                trial=scheduled.number,
                store=self._limits.answers,
                folder=self._case.folder,
                own_ids=(self._fork_state.run_id, self._case.run.id),
                retries=self._limits.retries,
                kind=Kind.LIVE if call.live or self._may_act(call) else Kind.MODEL,
                candidate=call.candidate,
                sends=partial(self._recorder.note_request, scheduled.variant.name),
                missing=partial(missing_answer_message, scheduled),
            )
        )


def _retrieve(task: "asyncio.Task[None]") -> None:
    """Look at a task's exception, so that asyncio does not print it: the fork reports it."""
    if not task.cancelled():
        task.exception()
