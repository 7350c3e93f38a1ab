"""A cached answer: a line of ``answers.jsonl``."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from pydantic import ConfigDict, TypeAdapter

from refork.records import Answer
from refork.records.usage import Usage

Kind: TypeAlias = Literal["answer", "step", "judge", "http"]


@dataclass(frozen=True, order=True)
class AnswerKey:
    """What an answer is found by: a digest of all that was sent, and which draw of it this is, from 1.

    In a tail the draw is the trial, and ``occurrence`` counts equal requests within it; votes of a judge are told
    apart by it too. ``normalizers`` are the names of those that the digest was made with. What is kept of one
    ``kind`` answers no other.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    digest: str
    trial: int
    occurrence: int = 1
    normalizers: tuple[str, ...] = field(default=(), compare=False)
    kind: Kind = "answer"


@dataclass(frozen=True, kw_only=True)
class CachedAnswer:
    """An answer that was paid for. ``kind`` is ``answer`` at a fork point, ``step`` for a model call of a tail,
    ``judge`` for a vote, ``http`` for a request that a step's code made.

    ``output`` is the encoded value of a whole step (:mod:`refork.values`), a judge's reply, or an HTTP response
    (:mod:`refork.http_calls.wire`); ``of`` is the digest of what a judge judged.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    digest: str
    trial: int
    occurrence: int = 1
    kind: Kind = "answer"
    answered_at: datetime
    model: str | None = None
    seconds: float = 0.0
    usage: Usage | None = None
    answer: Answer | None = None
    output: Any = None
    of: str | None = None
    normalizers: tuple[str, ...] = ()

    @property
    def key(self) -> AnswerKey:
        return AnswerKey(self.digest, self.trial, self.occurrence, kind=self.kind)


@lru_cache(maxsize=1)
def adapter() -> TypeAdapter[CachedAnswer]:
    return TypeAdapter(CachedAnswer)
