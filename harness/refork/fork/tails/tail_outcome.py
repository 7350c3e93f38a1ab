"""Builds the result of one trial in ``tail`` scope, and reports it once."""

import time
from collections.abc import Sequence
from contextlib import suppress
from threading import Event
from typing import Any

from refork.dbos.evals_database.checkpoints import checkpoints
from refork.dbos.replay.admission import ForkState
from refork.errors import ReforkError
from refork.fork.attempts import trial_error
from refork.fork.attempts.problems import is_of_the_answer
from refork.fork.tails.cached_steps import CachedSteps
from refork.fork.tails.trajectory_recorder import TrajectoryRecorder
from refork.fork.trials.scheduled_trial import AnswerRecorder, ScheduledTrial
from refork.records import Answer, Case, Request, Step, StepKind
from refork.records.outcome import TrialError
from refork.records.workflow_result import answer_of, calls_of, usage_of
from refork.tool_policy.conversation import Turn, turns_of
from refork.values import loads


class TailOutcome:
    """Reports the trial to the fork's case once, sets ``over``, and ignores whatever happens after that.

    ``request`` is the request at the fork point; None until it was sent. Called from any thread: by the fork's
    workflow, by DBOS at the workflow's end, and by the watchdog.
    """

    def __init__(
        self,
        case: Case,
        fork_state: ForkState,
        recorder: AnswerRecorder,
        scheduled: ScheduledTrial,
        *,
        cached_steps: CachedSteps,
        trajectory: TrajectoryRecorder,
        system_database: Any,
        over: Event,
    ) -> None:
        self.request: Request | None = None
        self._case = case
        self._fork_state = fork_state
        self._recorder = recorder
        self._scheduled = scheduled
        self._cached_steps = cached_steps
        self._trajectory = trajectory
        self._system_database = system_database
        self._over = over
        self._began = time.monotonic()

    def arrive(self) -> bool:
        """Start the trial's clock at the fork point. Returns False if the fork is closed or was there before."""
        self._began = time.monotonic()
        return self._fork_state.arrive()

    @property
    def running_for(self) -> float:
        """Seconds since it arrived at the fork point."""
        return time.monotonic() - self._began if self._fork_state.arrived else 0.0

    def turns(self) -> tuple[Turn, ...]:
        """Return the turns of the conversation before the fork point and in this trial."""
        before = (step for step in self._case.run.steps if step.number < self._fork_state.fork_point)
        return turns_of([*before, *self._so_far()[0]])

    def complete(self, error: str | None, output: str | None) -> None:
        """End the trial with the workflow: ``error`` is one line, ``output`` the serialized result if it returned."""
        steps, common = self._so_far()
        if error is not None:
            self._report(error=_error(error, steps), **common)
            return
        result = None if output is None else loads(output)
        self._report(answer=answer_of(result, calls_of(steps)), **common)

    def conclude(self) -> None:
        """End the trial because the conversation is over, with the last answer as its result."""
        self._fork_state.close()
        steps, common = self._so_far()
        texts = [step.answer.text for step in steps if step.answer is not None]
        self._report(answer=Answer(text=texts[-1] if texts else "", tool_calls=calls_of(steps)), **common)

    def fail(self, problem: ReforkError) -> None:
        """Close the fork, and end the trial with an error."""
        self._fork_state.close()
        self.end(trial_error(problem))

    def end(self, error: TrialError) -> None:
        """End the trial with an error before the workflow ends, with everything that it has done and paid for."""
        paid: dict[str, Any] = {}
        if self._fork_state.arrived and not self._over.is_set():
            with suppress(Exception):  # a database that does not answer costs no trial its reason
                _, paid = self._so_far()
        self._report(error=error, **paid)

    def _so_far(self) -> tuple[tuple[Step, ...], dict[str, Any]]:
        """Return the steps from the fork point on, and the fields of the trial that describe them."""
        seconds = time.monotonic() - self._began
        first = self._fork_state.fork_point
        written = checkpoints(self._system_database, self._fork_state.run_id, first=first)
        steps, numbered = self._trajectory.steps(written, first=first), self._trajectory.numbered(written)
        return steps, {
            "reused": self._cached_steps.all_reused,
            "answered_at": self._cached_steps.answered_at,
            "cached_steps": self._cached_steps.made(numbered),
            "reused_steps": self._cached_steps.reused(
                [(number, step) for (number, _), step in zip(numbered, steps, strict=True)]
            ),
            "usage": usage_of(steps),
            "model": self.request.model if self.request else None,
            "seconds": seconds + self._cached_steps.seconds(numbered),
            "trajectory": steps,
        }

    def _report(self, **fields: Any) -> None:
        if not self._over.is_set():
            self._recorder.record(self._scheduled, self._scheduled.as_trial(**fields))
            self._over.set()


def _error(line: str, steps: Sequence[Step]) -> TrialError:
    kind, _, message = line.partition(": ")
    models = [step for step in steps if step.kind is StepKind.MODEL]
    unreached = bool(models) and models[-1].error is not None
    own = not unreached or is_of_the_answer(kind, message)
    return TrialError(type=kind, message=message or kind, own=own)
