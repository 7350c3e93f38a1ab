"""The model calls of one tail beside what is kept of them: each by its request, the trial, and how often it came."""

import inspect
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Final

from refork.answers import AnswerKey, AnswersMode, Kept, Store, digest_of, normalizers
from refork.case import Case, Step
from refork.fork.branch import Instead
from refork.frameworks import ModelCall, StepCall
from refork.values import decode

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class KeptSteps:
    """Notes every model call of a tail, from any thread, and finds what is kept of it."""

    def __init__(self, store: Store, case: Case, trial: int, run_id: str) -> None:
        self._store = store
        self._case = case
        self._trial = trial
        self._own_ids = (run_id, case.run.id)
        self._lock = Lock()
        self._seen: Counter[str] = Counter()
        self._keys: dict[int, AnswerKey] = {}
        self._found: dict[int, Kept] = {}

    @property
    def offline(self) -> bool:
        return self._store.mode is AnswersMode.OFFLINE

    def sends(self, number: int, call: ModelCall) -> bool:
        """A call that step ``number`` is about to make: whether its answer is kept. Raises ReforkError."""
        digest = digest_of(call.request, code=call.code, own_ids=self._own_ids)
        with self._lock:
            self._seen[digest] += 1
            key = self._keys[number] = AnswerKey(digest, self._trial, self._seen[digest], kind="step")
        kept = self._store.find(self._case.folder, key)
        if kept is not None:
            self._found[number] = kept
        return number in self._found

    def draws(self, number: int) -> int:
        """How many answers to the request of step ``number`` are kept."""
        return self._store.draws(self._case.folder, self._keys[number].digest)

    def in_place_of(self, step: StepCall) -> Instead | None:
        """What answers a step from what is kept; None where nothing is."""
        kept = self._found.get(step.number)
        return None if kept is None else _answering(step, decode(kept.output))

    @property
    def all_reused(self) -> bool:
        return bool(self._keys) and len(self._found) == len(self._keys)

    @property
    def answered_at(self) -> datetime:
        """When the oldest of what was reused was paid for; now where nothing was."""
        return min((kept.answered_at for kept in self._found.values()), default=datetime.now(UTC))

    def seconds(self, steps: Sequence[tuple[int, Step]]) -> float:
        """What the reused calls took when they were made: of those that ran side by side the longest."""
        total, beside, until = 0.0, 0.0, None
        for number, step in sorted(steps, key=lambda each: (each[1].started_at or _NEVER, each[0])):
            kept = self._found.get(number)
            if kept is None or step.started_at is None:
                continue
            if until is None or step.started_at >= until:
                total, beside, until = total + beside, 0.0, step.started_at
            beside, until = max(beside, kept.seconds), max(until, step.completed_at or until)
        return total + beside

    def made(self, steps: Sequence[tuple[int, Step]]) -> tuple[Kept, ...]:
        """What there is to keep of these steps, each with its number in the fork: the calls that answered."""
        now = datetime.now(UTC)
        return tuple(
            Kept(
                digest=key.digest,
                trial=key.trial,
                occurrence=key.occurrence,
                kind="step",
                normalizers=normalizers(),
                answered_at=now,
                model=step.model,
                seconds=step.seconds or 0.0,
                usage=step.usage,
                output=step.output,
            )
            for number, step in steps
            if (key := self._keys.get(number)) and number not in self._found and step.error is None
        )


def _answering(step: StepCall, value: Any) -> Instead:
    async def answer_async(*_args: Any, **_kwargs: Any) -> Any:
        return value

    def answer(*_args: Any, **_kwargs: Any) -> Any:
        return value

    return answer_async if inspect.iscoroutinefunction(step.function) else answer
