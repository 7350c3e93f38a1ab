"""Observes a framework's own client while it makes a call: how the answer ended, and that it sends only one
request.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from refork.http_calls.formats import Reading, format_of
from refork.http_calls.formats.odd import oddity
from refork.http_calls.wire import OutgoingRequest, Received

_NO_RETRY: Final = ("x-should-retry", "false")


class SdkWatch:
    """A :class:`refork.http_calls.Watch` of one attempt at a call that a framework makes with its own client.

    It refuses and changes nothing. A failure is returned with the header that tells the clients of openai and
    anthropic not to retry, and is repeated to clients that retry all the same, because a session counts and spaces
    its attempts itself. No client has to be copied to switch off its retries.
    """

    def __init__(self) -> None:
        self.reading: Reading | None = None
        self._answered: tuple[str, Received] | None = None
        self._failed: dict[bytes, Received | Exception] = {}

    @property
    def changed(self) -> bool:
        return False

    @property
    def answered(self) -> bool:
        """True if the server answered with a successful status."""
        return self._answered is not None

    @property
    def oddity(self) -> str:
        """A description of what is unusual about the last answer; empty if nothing is, or there is no answer."""
        return "" if self._answered is None else oddity(*self._answered)

    def connects(self, what: str) -> None:
        """Allow every connection of a framework's client."""

    def exchange(self, sent: OutgoingRequest, send: Callable[[OutgoingRequest], Received]) -> Received | None:
        if format_of(sent) is None:
            return None
        known = self._failed.get(sent.body)
        if known is not None:
            return self._again(known)
        try:
            answer = send(sent)
        except Exception as error:
            self._failed[sent.body] = error
            raise
        return self._noted(sent, answer)

    async def exchange_async(
        self, sent: OutgoingRequest, send: Callable[[OutgoingRequest], Awaitable[Received]]
    ) -> Received | None:
        if format_of(sent) is None:
            return None
        known = self._failed.get(sent.body)
        if known is not None:
            return self._again(known)
        try:
            answer = await send(sent)
        except Exception as error:
            self._failed[sent.body] = error
            raise
        return self._noted(sent, answer)

    def _noted(self, sent: OutgoingRequest, answer: Received) -> Received:
        if answer.ok:
            found = format_of(sent)
            if found is not None:
                self.reading, self._answered = found.read(answer), (found.name, answer)
            return answer
        self._failed[sent.body] = answer
        return _final(answer)

    def _again(self, known: Received | Exception) -> Received:
        if isinstance(known, Exception):
            raise known
        return _final(known)


def _final(answer: Received) -> Received:
    return replace(answer, headers=(*answer.headers, _NO_RETRY))
