"""The parameters of a run of a step's code: its trial, its cache, and what it may do."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from refork.answer_cache import CachedAnswer, Store
from refork.fork.attempts.retry_policy import Retries
from refork.records import Request
from refork.records.variant import Variant


def _nothing(_cached: CachedAnswer) -> None:
    """Ignore the answer."""


class Kind(Enum):
    """The permission of a step's code to do more than call its model."""

    MODEL = "model"
    """It may only call its model; every other connection is refused."""
    LIVE = "live"
    """It may do anything, because its tool rule says so."""


@dataclass(frozen=True, kw_only=True)
class Making:
    """The run of a step's code that sends requests.

    ``missing`` describes the error if a request has no cached answer and must not be sent. ``candidate`` is the
    variant to apply, None for ``current``; ``sends`` is called with the first request.
    """

    step: str
    agent: str | None
    trial: int
    store: Store
    folder: Path
    own_ids: tuple[str, ...]
    retries: Retries
    kind: Kind
    candidate: Callable[[], Variant | None]
    sends: Callable[[Request], None]
    missing: Callable[[Request, int], str]
    seen: Counter[str] = field(default_factory=Counter[str])
    """The number of times that each request came, by its digest. In a tail the steps of one trial share it."""
    arrives: Callable[[CachedAnswer], None] = _nothing
    """Called with every answer that was paid for, as soon as it arrives."""
