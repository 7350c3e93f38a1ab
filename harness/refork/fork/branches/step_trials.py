"""Makes trials at a fork point out of the model call that the code is about to make: each a DBOS step of the fork."""

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
from refork.fork.attempts import not_asked, trial_error
from refork.fork.branches.step_rerun import ToolRun
from refork.fork.branches.trial_queue import TrialQueue
from refork.fork.http_steps import Exchanges, Kind, Making
from refork.fork.trials.cached_trials import missing, missing_answer_message, reused
from refork.fork.trials.scheduled_trial import AnswerRecorder, ScheduledTrial
from refork.fork.trials.trial_step import Limits, at_fault, name_of, run_trial
from refork.frameworks.protocol import ModelCall, StepRun
from refork.records import Case
from refork.records.outcome import ErrorKind, Trial, cached_answer
from refork.records.variant import Variant
from refork.tool_policy import last_part


@dataclass(frozen=True, kw_only=True)
class _Attempt:
    """A trial that is about to be made: the call under its variant, the step that it becomes, what it is kept by."""

    scheduled: ScheduledTrial
    call: ModelCall
    reservation: Any
    name: str
    key: AnswerKey | None


class StepTrials:
    """Launches the trials of one fork. Made, and called, in the fork's workflow on its event loop.

    ``call`` is the one at the fork point. It has the variant already where ``is_changed``, since the fork was made
    for it; else each trial changes it. ``may_act`` says whether the step of a call may do what else it does.
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
        """Draw the numbers of the steps that a killed session left checkpoints of, so that each gets its own again.

        Called before anything is awaited at the fork point, so nothing else can draw one of these numbers.
        """
        drawn = 0
        while interrupted is not None and drawn < interrupted.last:
            reservation = reserve_step()
            drawn = reservation.step_id
            name = interrupted.trials.get(drawn)
            if name is not None:
                self._interrupted[name] = reservation

    def launch(self, scheduled: ScheduledTrial) -> "asyncio.Task[None] | None":
        """Start a trial. None where it needs no call: it is answered from the cache, or what it asks for is wrong."""
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
        """What the answer is kept by. None for what a tool gives: that is no answer of a model."""
        if isinstance(call, ToolRun) or (isinstance(call, StepRun) and call.live):
            return None
        name = scheduled.variant.name
        if name not in self._digests:
            ids = (self._fork_state.run_id, self._case.run.id)
            self._digests[name] = digest_of(call.request, code=call.code, own_ids=ids)
        return AnswerKey(self._digests[name], scheduled.number, normalizers=normalizers())

    def _answered(self, scheduled: ScheduledTrial, call: ModelCall, key: AnswerKey | None) -> bool:
        """Whether a trial was given without a call: from what is kept, or as missing where no call may be made."""
        if key is None:
            return False
        kept = self._limits.answers.find(self._case.folder, key)
        if kept is None and (self._limits.answers.mode is not AnswersMode.OFFLINE or self._by_request(call)):
            return False
        if kept is None:
            draws = self._limits.answers.draws(self._case.folder, key.digest)
            trial = missing(scheduled, call.request, draws)
        else:
            trial = reused(scheduled, kept)
        if self._recorder.begin(scheduled):
            self._recorder.record(scheduled, trial)
        return True

    def _by_request(self, call: ModelCall) -> bool:
        """Whether the code of a step is run over answers that are kept of its requests."""
        return isinstance(call, StepRun) and self._limits.answers.holds(self._case.folder, "http")

    async def _make(self, attempt: _Attempt) -> None:
        scheduled = attempt.scheduled
        # The slot is held until the answer is noted: a kill then pays at most `limit` calls twice.
        async with self._limits.slots.one():
            if not self._recorder.begin(scheduled):
                return
            with self._queue.running(scheduled):
                trial = await self._outcome(attempt)
        self._recorder.record(scheduled, trial)

    async def _outcome(self, attempt: _Attempt) -> Trial:
        """The trial, whatever happens. Raises only where the fork is over."""
        scheduled, call, limits = attempt.scheduled, attempt.call, self._limits
        account = (
            getattr(call, "account", None) or call.step_name
        )  # calls share it that are made with one key
        refused = limits.account.refused(account)
        if refused is not None:
            return scheduled.as_trial(error=not_asked(refused))
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
        kept = cached_answer(trial)
        if kept is not None:
            await asyncio.to_thread(self._limits.answers.note, self._case.folder, kept)

    def _exchanges(self, scheduled: ScheduledTrial, call: ModelCall) -> Exchanges | None:
        """Those of a call that is a run of a step's code."""
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
    """What a trial could not say in its result is in the fork's; asyncio need not print it."""
    if not task.cancelled():
        task.exception()
