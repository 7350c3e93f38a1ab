"""Looks on while a framework's own client makes a call: how the answer ended, and that it is asked once."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from refork.http_calls.formats import Reading, format_of
from refork.http_calls.formats.odd import oddity
from refork.http_calls.wire import OutgoingRequest, Received

_NO_RETRY: Final = ("x-should-retry", "false")


class SdkWatch:
    """:class:`refork.http_calls.Watch` of one attempt at a call that a framework makes with its own client.

    Nothing is refused or changed. A failure is told with the header by which the clients of openai and anthropic
    know that they are not to try again, and is repeated to those that try all the same: a session counts and
    spaces its attempts itself. So no client has to be copied to switch its retries off.
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
        """Whether the server answered with a status of success."""
        return self._answered is not None

    @property
    def oddity(self) -> str:
        """What is odd in the last answer; empty where nothing is, or there is none."""
        return "" if self._answered is None else oddity(*self._answered)

    def connects(self, what: str) -> None:
        """A framework's client may connect as it likes."""

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
