"""The model calls of one tail beside what is kept of them: each by its request, the trial, and how often it came."""

import asyncio
import inspect
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Final

from refork.answer_cache import AnswerKey, AnswersMode, CachedAnswer, Store, digest_of, normalizers
from refork.errors import ValueNotPortableError
from refork.fork.branches.branch import Instead
from refork.fork.http_steps import Exchanges, Making
from refork.fork.secret_filters.secret_filter import hidden_output
from refork.frameworks.protocol import ModelCall, StepCall
from refork.records import Case, Step, StepKind
from refork.records.usage import Usage
from refork.values import decode, encode

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class CachedSteps:
    """Notes every model call of a tail, from any thread, and finds what is kept of it."""

    def __init__(self, store: Store, case: Case, trial: int, run_id: str) -> None:
        self._store = store
        self._case = case
        self._trial = trial
        self._own_ids = (run_id, case.run.id)
        self._lock = Lock()
        self._seen: Counter[str] = Counter()
        self._keys: dict[int, AnswerKey] = {}
        self._found: dict[int, CachedAnswer] = {}
        self._exchanges: dict[int, Exchanges] = {}
        self._requests: Counter[str] = Counter()

    def watch(self, number: int, making: Callable[..., Making]) -> Exchanges:
        """The exchanges of step ``number``, whose code asks a model: each request is kept by itself."""
        made = making(
            trial=self._trial,
            store=self._store,
            folder=self._case.folder,
            own_ids=self._own_ids,
            seen=self._requests,
        )
        self._exchanges[number] = Exchanges(made)
        return self._exchanges[number]

    def forget(self, number: int) -> None:
        """Step ``number`` asked nobody."""
        self._keys.pop(number, None)
        self._exchanges.pop(number, None)

    def by_request(self) -> bool:
        """Whether answers are kept of requests that steps' code made."""
        return self._store.holds(self._case.folder, "http")

    def usage(self, number: int) -> Usage | None:
        """The tokens of the requests of a step's code, where they are known."""
        found = self._exchanges.get(number)
        return None if found is None else found.usage

    @property
    def offline(self) -> bool:
        return self._store.mode is AnswersMode.OFFLINE

    def sends(self, number: int, call: ModelCall) -> bool:
        """A call that step ``number`` is about to make: whether its answer is kept. Raises ReforkError."""
        digest = digest_of(call.request, code=call.code, own_ids=self._own_ids)
        with self._lock:
            self._seen[digest] += 1
            key = self._keys[number] = AnswerKey(digest, self._trial, self._seen[digest], kind="step")
        cached = self._store.find(self._case.folder, key)
        if cached is not None:
            self._found[number] = cached
        return number in self._found

    def draws(self, number: int) -> int:
        """How many answers to the request of step ``number`` are kept."""
        return self._store.draws(self._case.folder, self._keys[number].digest)

    def holds(self, number: int) -> bool:
        """Whether the answer of step ``number`` is kept."""
        return number in self._found

    def in_place_of(self, step: StepCall) -> Instead | None:
        """What answers a step from what is kept, or makes its call and keeps the answer the moment it arrives."""
        cached = self._found.get(step.number)
        if cached is not None:
            return _answering(step, decode(cached.output))
        key = self._keys.get(step.number)
        return None if key is None else self._noting(step, key)

    def _noting(self, step: StepCall, key: AnswerKey) -> Instead:
        function = step.function

        async def call_async(*args: Any, **kwargs: Any) -> Any:
            began = time.monotonic()
            output = hidden_output(await function(*args, **kwargs))
            await asyncio.to_thread(self._note, key, output, time.monotonic() - began)
            return output

        def call(*args: Any, **kwargs: Any) -> Any:
            began = time.monotonic()
            output = hidden_output(function(*args, **kwargs))
            self._note(key, output, time.monotonic() - began)
            return output

        instead: Any = call_async if inspect.iscoroutinefunction(function) else call
        instead.is_the_step = True  # so that DBOS tries it again where it would have tried the step
        return instead  # type: ignore[no-any-return]

    def _note(self, key: AnswerKey, output: Any, seconds: float) -> None:
        with suppress(ValueNotPortableError):  # then it is no checkpoint either
            cached = CachedAnswer(
                digest=key.digest,
                trial=key.trial,
                occurrence=key.occurrence,
                kind="step",
                normalizers=normalizers(),
                answered_at=datetime.now(UTC),
                seconds=seconds,
                output=encode(output),
            )
            self._store.note(self._case.folder, cached)

    @property
    def all_reused(self) -> bool:
        seen = self._seen_exchanges()
        asked = {*self._keys} - {*seen}
        return bool(asked or seen) and asked == {*self._found} and all(e.all_reused for e in seen.values())

    @property
    def answered_at(self) -> datetime:
        """When the oldest reused answer was paid for; now if none was reused."""
        moments = [cached.answered_at for cached in self._found.values()]
        moments += [each.answered_at for each in self._seen_exchanges().values()]
        return min(moments, default=datetime.now(UTC))

    def _seen_exchanges(self) -> dict[int, Exchanges]:
        return {number: each for number, each in self._exchanges.items() if each.seen}

    def seconds(self, steps: Sequence[tuple[int, Step]]) -> float:
        """What the reused calls took when they were made: of those that ran side by side the longest."""
        total, beside, until = 0.0, 0.0, None
        for number, step in sorted(steps, key=lambda each: (each[1].started_at or _NEVER, each[0])):
            cached, asked = self._found.get(number), self._exchanges.get(number)
            took = (
                cached.seconds if cached is not None else asked.cached_seconds if asked is not None else None
            )
            if took is None or step.started_at is None:
                continue
            if until is None or step.started_at >= until:
                total, beside, until = total + beside, 0.0, step.started_at
            beside, until = max(beside, took), max(until, step.completed_at or until)
        return total + beside

    def reused(self, steps: Sequence[tuple[int, Step]]) -> frozenset[int]:
        """Return the numbers of the model steps that were answered without a call.

        ``steps`` go with their numbers in the fork; their own are those of the trajectory.
        """
        asked = self._seen_exchanges()
        return frozenset(
            step.number
            for number, step in steps
            if step.kind is StepKind.MODEL and step.usage is not None
            if number in self._found or (number in asked and asked[number].all_reused)
        )

    def made(self, steps: Sequence[tuple[int, Step]]) -> tuple[CachedAnswer, ...]:
        """What there is to keep of these steps, each with its number in the fork: the calls that answered."""
        now = datetime.now(UTC)
        asked = self._seen_exchanges()
        whole = tuple(
            CachedAnswer(
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
            # A tool call that took no number has that of the step after it.
            if step.kind is StepKind.MODEL and step.error is None
            if (key := self._keys.get(number)) and number not in self._found and number not in asked
        )
        return (*whole, *(cached for each in asked.values() for cached in each.made))


def _answering(step: StepCall, value: Any) -> Instead:
    async def answer_async(*_args: Any, **_kwargs: Any) -> Any:
        return value

    def answer(*_args: Any, **_kwargs: Any) -> Any:
        return value

    return answer_async if inspect.iscoroutinefunction(step.function) else answer
