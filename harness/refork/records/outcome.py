"""The outcome of a fork: the answer of every trial, and the request of every variant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from refork.records import Answer, Request, Step
from refork.records.cached_answer import AnswerKey, CachedAnswer
from refork.records.usage import Usage


class ErrorKind(StrEnum):
    """The cause of a trial's missing answer."""

    APPLICATION = "application"
    """The application's own code raised it, which is a failure."""
    ANSWER_MISSING = "answer-missing"
    """No answer is cached, and no call may be made."""
    PROVIDER = "provider"
    """The model's server did not answer this time: a rate limit, a time-out, a broken connection."""
    REQUEST = "request"
    """The model's server cannot answer this request, however often it is sent."""
    ACCOUNT = "account"
    """The key is wrong, or the quota is used up."""
    DENIED = "denied"
    """A tool, or another operation, may not act in a rerun."""
    STALE = "stale"
    """The code no longer reaches the fork point."""
    INTERNAL = "internal"
    """A bug in Refork."""
    OTHER = "other"

    @property
    def is_final(self) -> bool:
        """True if another attempt would end with the same error."""
        return self in _FINAL


_FINAL: Final = frozenset(
    {ErrorKind.ANSWER_MISSING, ErrorKind.REQUEST, ErrorKind.ACCOUNT, ErrorKind.DENIED, ErrorKind.STALE}
)


@dataclass(frozen=True, kw_only=True)
class TrialError:
    """The reason why a trial has no answer. ``type`` is the exception's class name.

    ``own`` says that the application's own code raised it: that is what the run does, and so a failure. Else
    the trial could not be measured, and ``kind`` says whose fault that is.
    """

    type: str
    message: str
    own: bool = False
    kind: ErrorKind = ErrorKind.OTHER


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One rerun of a case under a variant. It has either ``answer`` or ``error``, never both.

    ``seconds`` is the wall time of the model call that answered, without waiting for a slot; ``resumed`` says that
    the answer comes from a killed session. In ``tail`` scope ``answer`` is the workflow's result with every tool call
    before it, and ``trajectory`` contains the steps from the fork point on, in order, each tool step with its
    ``tool`` and ``arguments``. ``cached_as`` is the key of the answer in ``answers.jsonl``; ``reused`` says that the
    answer came from there, and ``answered_at`` when it was paid for. ``cached_steps`` are the model calls of a tail,
    and ``reused_steps`` the numbers of those steps of ``trajectory`` whose answers came from the cache.
    """

    variant: str
    number: int
    answer: Answer | None = None
    error: TrialError | None = None
    usage: Usage | None = None
    model: str | None = None
    seconds: float = 0.0
    resumed: bool = False
    raw: Any = None
    trajectory: tuple[Step, ...] = ()
    reused: bool = False
    answered_at: datetime | None = None
    cached_as: AnswerKey | None = None
    cached_steps: tuple[CachedAnswer, ...] = ()
    reused_steps: frozenset[int] = frozenset()


def cached_answer(trial: Trial) -> CachedAnswer | None:
    """Return the answer to cache for a trial at its fork point; None if it is already cached, or nothing was
    answered.
    """
    key = trial.cached_as
    if key is None or trial.reused or trial.answer is None or trial.answered_at is None:
        return None
    return CachedAnswer(
        digest=key.digest,
        trial=key.trial,
        occurrence=key.occurrence,
        answered_at=trial.answered_at,
        model=trial.model,
        seconds=trial.seconds,
        usage=trial.usage,
        answer=trial.answer,
        normalizers=key.normalizers,
    )


class ForkStatus(StrEnum):
    MEASURED = "measured"
    STALE = "stale"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of one case's fork. ``reason`` says what happened if it is not ``measured``.

    ``requests`` maps a variant's name to its request; ``run_id`` is the workflow id of the (first) fork.
    """

    case: str
    status: ForkStatus
    reason: str = ""
    run_id: str | None = None
    requests: Mapping[str, Request] = field(default_factory=dict[str, Request])
    trials: tuple[Trial, ...] = ()
    seconds: float = 0.0

    def trials_of(self, variant: str) -> tuple[Trial, ...]:
        return tuple(trial for trial in self.trials if trial.variant == variant)
