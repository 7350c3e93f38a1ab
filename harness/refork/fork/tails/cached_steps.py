"""Finds the cached answers to the model calls of one tail, by request, trial and how often the request came."""

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
    """Notes every model call of a tail and finds its cached answer. Called from any thread.

    ``number`` is always the number of a step in the fork.
    """

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
        """Return what answers each request of step ``number``, whose code calls a model."""
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
        """Forget step ``number``, because it called no model."""
        self._keys.pop(number, None)
        self._exchanges.pop(number, None)

    def by_request(self) -> bool:
        """Return whether answers to requests of steps' code are cached."""
        return self._store.holds(self._case.folder, "http")

    def usage(self, number: int) -> Usage | None:
        """Return the tokens of the requests of a step's code; None if they are unknown."""
        found = self._exchanges.get(number)
        return None if found is None else found.usage

    @property
    def offline(self) -> bool:
        return self._store.mode is AnswersMode.OFFLINE

    def sends(self, number: int, call: ModelCall) -> bool:
        """Note the call that step ``number`` will make, and return whether its answer is cached. Raises ReforkError."""
        digest = digest_of(call.request, code=call.code, own_ids=self._own_ids)
        with self._lock:
            self._seen[digest] += 1
            key = self._keys[number] = AnswerKey(digest, self._trial, self._seen[digest], kind="step")
        cached = self._store.find(self._case.folder, key)
        if cached is not None:
            self._found[number] = cached
        return number in self._found

    def draws(self, number: int) -> int:
        """Return how many answers to the request of step ``number`` are cached."""
        return self._store.draws(self._case.folder, self._keys[number].digest)

    def holds(self, number: int) -> bool:
        """Return whether the answer of step ``number`` is cached."""
        return number in self._found

    def in_place_of(self, step: StepCall) -> Instead | None:
        """Return a function that gives the cached answer of a step, or makes its call and caches the answer at once.

        Returns None if the step makes no model call.
        """
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
        whole = {*self._keys} - {*seen}
        return bool(whole or seen) and whole == {*self._found} and all(e.all_reused for e in seen.values())

    @property
    def answered_at(self) -> datetime:
        """The time at which the oldest reused answer was paid for; now if none was reused."""
        moments = [cached.answered_at for cached in self._found.values()]
        moments += [each.answered_at for each in self._seen_exchanges().values()]
        return min(moments, default=datetime.now(UTC))

    def _seen_exchanges(self) -> dict[int, Exchanges]:
        return {number: each for number, each in self._exchanges.items() if each.seen}

    def seconds(self, steps: Sequence[tuple[int, Step]]) -> float:
        """Return the seconds that the reused calls took when they were made; of concurrent ones the longest counts.

        ``steps`` go with their numbers in the fork.
        """
        total, beside, until = 0.0, 0.0, None
        for number, step in sorted(steps, key=lambda each: (each[1].started_at or _NEVER, each[0])):
            cached, exchanges = self._found.get(number), self._exchanges.get(number)
            took = (
                cached.seconds
                if cached is not None
                else exchanges.cached_seconds
                if exchanges is not None
                else None
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
        seen = self._seen_exchanges()
        return frozenset(
            step.number
            for number, step in steps
            if step.kind is StepKind.MODEL and step.usage is not None
            if number in self._found or (number in seen and seen[number].all_reused)
        )

    def made(self, steps: Sequence[tuple[int, Step]]) -> tuple[CachedAnswer, ...]:
        """Return the answers of these steps that were paid for, so that they are cached.

        ``steps`` go with their numbers in the fork.
        """
        now = datetime.now(UTC)
        seen = self._seen_exchanges()
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
            if (key := self._keys.get(number)) and number not in self._found and number not in seen
        )
        return (*whole, *(cached for each in seen.values() for cached in each.made))


def _answering(step: StepCall, value: Any) -> Instead:
    async def answer_async(*_args: Any, **_kwargs: Any) -> Any:
        return value

    def answer(*_args: Any, **_kwargs: Any) -> Any:
        return value

    return answer_async if inspect.iscoroutinefunction(step.function) else answer
