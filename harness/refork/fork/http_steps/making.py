"""Whose requests are exchanged, and what they may do."""

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
    """Nobody is told."""


class Kind(Enum):
    """What a step may do beside asking its model."""

    MODEL = "model"
    """Nothing: every other connection is refused."""
    LIVE = "live"
    """Whatever it does: its tool rule says so."""


@dataclass(frozen=True, kw_only=True)
class Making:
    """Whose requests they are. ``missing`` says what is wrong where a request has no kept answer, and none may be
    made; ``candidate`` is what is tried in it, None for the code as it stands; ``sends`` is told of the first."""

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
    """How often each request came: in a tail the steps of one trial share it."""
    arrives: Callable[[CachedAnswer], None] = _nothing
    """Told of every answer that was paid for, the moment it arrives."""
