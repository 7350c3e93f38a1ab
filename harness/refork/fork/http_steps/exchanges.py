"""Answers the requests of one run of a step's code from the cache, or sends and caches them."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from refork.answer_cache import AnswerKey, AnswersMode, CachedAnswer, digest_of, normalizers
from refork.errors import AnswerMissingError, ApplicationError, ModelCallError, ToolDeniedError
from refork.fork.http_steps.asking import Asking, asking_of, said_by
from refork.fork.http_steps.making import Kind, Making
from refork.fork.http_steps.notes import Notes
from refork.fork.http_steps.waiting import until_next
from refork.fork.secret_filters.secret_filter import hidden_response
from refork.http_calls import is_beside
from refork.http_calls.formats.odd import oddity
from refork.http_calls.wire import OutgoingRequest, Received, as_json, from_json

_CLIENTS_RETRY: Final = frozenset({"retry-after", "retry-after-ms", "x-should-retry"})


class Unwound(BaseException):
    """Ends a step's code. It is no Exception, so ``except Exception`` in clients does not catch it."""


@dataclass(frozen=True, kw_only=True)
class _Due:
    """A request that must be sent because no answer to it is cached."""

    asking: Asking
    key: AnswerKey


class Exchanges(Notes):
    """The :class:`refork.http_calls.Watch` of one trial's step.

    The caller calls ``again`` before each run of the code, and ``close`` at the end.
    """

    def __init__(self, making: Making) -> None:
        super().__init__()
        self._making = making
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._seen = making.seen
        self._given_up: dict[str, Received | Exception] = {}
        self._prompt: tuple[str | None] | None = None
        self._problem: Exception | None = None
        self._beside: Exception | None = None

    def again(self) -> None:
        """Prepare for another run of the code, which gets the same answers as before."""
        with self._lock:
            self._seen.clear()
            self._forget()
            self._prompt = None
            self._problem = self._beside = None

    def close(self) -> None:
        """Refuse all further requests, such as those of threads that were left behind."""
        self._closed.set()

    @property
    def problem(self) -> Exception | None:
        """The reason why the trial cannot be measured, whatever the code did: a missing answer, a refused connection.

        None if there is none.
        """
        return self._problem

    def failure(self, error: BaseException | None) -> Exception | None:
        """Return the error of a run of the code that ended with ``error``, or without one; None if the run is
        valid.
        """
        if self._problem is not None:
            return self._problem
        if error is not None and self._beside is not None:
            return self._beside
        return self._failed

    # :class:`refork.http_calls.Watch`

    def exchange(self, sent: OutgoingRequest, send: Callable[[OutgoingRequest], Received]) -> Received | None:
        due = self._begin(sent)
        if not isinstance(due, _Due):
            return due
        for attempt in range(1, self._making.retries.attempts + 1):
            began = time.monotonic()
            answer: Received | Exception
            try:
                answer = send(due.asking.sent)
            except Exception as error:
                answer = error
            wait = until_next(attempt, self._making.retries, answer)
            if wait is None or self._closed.is_set():
                return self._end(due, answer, time.monotonic() - began)
            self._closed.wait(wait)
        raise AssertionError("the last attempt has no next one")

    async def exchange_async(
        self, sent: OutgoingRequest, send: Callable[[OutgoingRequest], Awaitable[Received]]
    ) -> Received | None:
        due = self._begin(sent)
        if not isinstance(due, _Due):
            return due
        for attempt in range(1, self._making.retries.attempts + 1):
            began = time.monotonic()
            answer: Received | Exception
            try:
                answer = await send(due.asking.sent)
            except Exception as error:
                answer = error
            wait = until_next(attempt, self._making.retries, answer)
            if wait is None or self._closed.is_set():
                return self._end(due, answer, time.monotonic() - began)
            await asyncio.sleep(wait)
        raise AssertionError("the last attempt has no next one")

    def connects(self, what: str) -> None:
        if self._closed.is_set():
            raise ConnectionRefusedError(
                f"step {self._making.step!r} is over, so its code may send nothing more"
            )
        if self._making.kind is Kind.MODEL:
            self._refuse(what)

    def _begin(self, sent: OutgoingRequest) -> _Due | Received | None:
        """Return the request to send, the cached answer to it, or None to let it pass."""
        if self._closed.is_set():
            raise ConnectionRefusedError(
                f"step {self._making.step!r} is over, so its code may send nothing more"
            )
        asking = asking_of(sent, self._making.agent)
        if asking is None:
            if self._making.kind is Kind.MODEL:
                self._refuse(f"{sent.method.upper()} {sent.host}{sent.path}")
            return None
        first = self._prompt is None
        asking = self._under_candidate(asking)
        if first:
            self._making.sends(asking.request)
        return self._cached(asking)

    def _under_candidate(self, asking: Asking) -> Asking:
        """Apply the candidate to the first request, and to those that have the same prompt."""
        prompt = asking.request.prompt
        with self._lock:
            self._prompt = self._prompt or (prompt,)
            same = self._prompt == (prompt,)
        variant = self._making.candidate() if same else None
        if variant is None:
            return asking
        try:
            changed = asking.tried(variant)
        except Exception as error:  # what a template may raise
            raise self._stop(error) from error
        self._changed = True
        return changed

    def _cached(self, asking: Asking) -> _Due | Received:
        making = self._making
        try:
            digest = digest_of(asking.request, own_ids=making.own_ids)
        except Exception as error:  # a normalizer that raised
            raise self._stop(error) from error
        given_up = self._given_up.get(digest)
        if given_up is not None:  # a client that retries by itself gets the same failure
            return self._final(given_up)
        with self._lock:
            self._seen[digest] += 1
            key = AnswerKey(digest, making.trial, self._seen[digest], normalizers=normalizers(), kind="http")
        known = self._made.get(key) or self._found(key)
        answer = None if known is None else from_json(known.output)
        if known is not None and answer is not None:
            with self._lock:
                self._note(asking.request, asking.read(answer), known)
            return answer
        if making.store.mode is AnswersMode.OFFLINE:
            draws = making.store.draws(making.folder, digest)
            raise self._stop(AnswerMissingError(making.missing(asking.request, draws)))
        if asking.sent.keyless:
            raise self._stop(ApplicationError("no key for the model: set OPENAI_API_KEY to make live calls"))
        return _Due(asking=asking, key=key)

    def _found(self, key: AnswerKey) -> CachedAnswer | None:
        try:
            return self._making.store.find(self._making.folder, key)
        except Exception as error:  # a damaged file
            raise self._stop(error) from error

    def _end(self, due: _Due, answer: Received | Exception, seconds: float) -> Received:
        """Note and cache the response, and return it for the client."""
        if isinstance(answer, Received):
            answer = hidden_response(answer)
        reading = due.asking.read(answer) if isinstance(answer, Received) else None
        if isinstance(answer, Exception) or reading is None:
            return self._fail(due, answer)
        cached = CachedAnswer(
            digest=due.key.digest,
            trial=due.key.trial,
            occurrence=due.key.occurrence,
            kind="http",
            normalizers=due.key.normalizers,
            answered_at=datetime.now(UTC),
            model=reading.model or due.asking.request.model,
            seconds=seconds,
            usage=reading.usage,
            output=as_json(answer),
        )
        with self._lock:
            self._note(due.asking.request, reading, None)
            self._made[due.key] = cached
        self._making.store.note(self._making.folder, cached)
        self._making.arrives(cached)
        return answer

    def _fail(self, due: _Due, answer: Received | Exception) -> Received:
        with self._lock:
            self._failed = _failure(answer, due.asking.format.name)
            self._given_up[due.key.digest] = answer
        return self._final(answer)

    def _final(self, answer: Received | Exception) -> Received:
        """Return a failure for the client so that it does not retry, because the session has made its attempts."""
        if isinstance(answer, Exception):
            raise answer
        if answer.ok:
            return answer
        headers = [(name, value) for name, value in answer.headers if name.lower() not in _CLIENTS_RETRY]
        return replace(answer, headers=(*headers, ("x-should-retry", "false")))

    def _refuse(self, what: str) -> None:
        error = ToolDeniedError(
            f"step {self._making.step!r} opens {what} besides its model's, which a rerun may not do; "
            f'set {self._making.step} = "live" under [tool.refork.tools] if it may'
        )
        if not is_beside():
            raise self._stop(error)
        with self._lock:
            self._beside = self._beside or error
        raise ConnectionRefusedError(str(error))

    def _stop(self, problem: Exception) -> Unwound:
        with self._lock:
            self._problem = self._problem or problem
        return Unwound(str(problem))


def _failure(answer: Received | Exception, format_name: str) -> ModelCallError:
    if isinstance(answer, Exception):
        said = " ".join(str(answer).split())[:300] or type(answer).__name__
        return ModelCallError(
            f"the model's server was not reached: {type(answer).__name__}: {said}", status_code=0
        )
    message, body = said_by(answer)
    if answer.ok:
        why = f"the response is not a model's answer: {oddity(format_name, answer) or message}"
    else:
        why = f"the model's server answered {answer.status}: {message}"
    return ModelCallError(why, status_code=answer.status, body=body)
