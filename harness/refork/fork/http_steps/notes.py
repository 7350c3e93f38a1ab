"""Records the answers to the requests of one run of a step's code."""

from collections.abc import Sequence
from datetime import UTC, datetime

from refork.answer_cache import AnswerKey, CachedAnswer
from refork.errors import ModelCallError
from refork.http_calls.formats import Reading
from refork.records import Request
from refork.records.usage import Usage, total_usage


class Notes:
    """The answers to the requests of one run. A subclass writes it under its own lock.

    ``_failed`` is the error of the last request; None if it was answered.
    """

    def __init__(self) -> None:
        self._made: dict[AnswerKey, CachedAnswer] = {}
        self._changed = False
        self._forget()

    def _forget(self) -> None:
        """Start again, but keep what was paid for."""
        self._readings: list[tuple[Reading, Request]] = []
        self._reused: list[CachedAnswer] = []
        self._failed: ModelCallError | None = None

    def _note(self, request: Request, reading: Reading | None, known: CachedAnswer | None) -> None:
        """Record a response. ``known`` is the cached answer that it came from."""
        if reading is not None:
            self._readings.append((reading, request))
            self._failed = None
        if known is not None and known.key not in self._made:
            self._reused.append(known)

    @property
    def seen(self) -> bool:
        """True if the code called its model through a client that Refork knows."""
        return bool(self._readings) or self._failed is not None

    @property
    def changed(self) -> bool:
        """True if a candidate was used in a request."""
        return self._changed

    @property
    def made(self) -> tuple[CachedAnswer, ...]:
        """The answers that were paid for."""
        return tuple(self._made.values())

    @property
    def all_reused(self) -> bool:
        return self.seen and not self._made

    @property
    def answered_at(self) -> datetime:
        """The time at which the oldest reused answer was paid for; now if none was reused."""
        return min((cached.answered_at for cached in self._reused), default=datetime.now(UTC))

    @property
    def cached_seconds(self) -> float:
        """The seconds that the reused calls took when they were made."""
        return sum(cached.seconds for cached in self._reused)

    @property
    def readings(self) -> Sequence[Reading]:
        """The answers, in order."""
        return [reading for reading, _ in self._readings]

    @property
    def usage(self) -> Usage | None:
        """The tokens of all answers; None if one of them is unknown."""
        usages = [reading.usage for reading in self.readings]
        return None if not usages or None in usages else total_usage(usages)

    @property
    def model(self) -> str | None:
        """The model that answered first."""
        return next((reading.model or request.model for reading, request in self._readings), None)
