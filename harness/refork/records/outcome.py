"""What a fork gives back: for every trial what was answered, for every variant what was sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from refork.records import Answer, Request, Step
from refork.records.cached_answer import AnswerKey, CachedAnswer
from refork.records.usage import Usage


class ErrorKind(StrEnum):
    """Whose fault it is that a trial has no answer."""

    APPLICATION = "application"
    """The application's own code raised it, which is a failure."""
    ANSWER_MISSING = "answer-missing"
    """No answer is kept, and no call may be made."""
    PROVIDER = "provider"
    """The model's server did not answer this time: a rate limit, a time-out, a broken connection."""
    REQUEST = "request"
    """What is sent cannot be answered, however often."""
    ACCOUNT = "account"
    """The key is wrong, or the quota is used up."""
    DENIED = "denied"
    """A tool, or another operation, may not act in a rerun."""
    STALE = "stale"
    """The code no longer reaches the fork point."""
    INTERNAL = "internal"
    """A fault of Refork's own."""
    OTHER = "other"

    @property
    def is_final(self) -> bool:
        """Whether no further draw can end otherwise."""
        return self in _FINAL


_FINAL: Final = frozenset(
    {ErrorKind.ANSWER_MISSING, ErrorKind.REQUEST, ErrorKind.ACCOUNT, ErrorKind.DENIED, ErrorKind.STALE}
)


@dataclass(frozen=True, kw_only=True)
class TrialError:
    """Why a trial has no answer. ``type`` is the exception's class name.

    ``own`` says that the application's own code raised it: that is what the run does, and so a failure. Else
    the trial could not be measured, and ``kind`` says whose fault that is.
    """

    type: str
    message: str
    own: bool = False
    kind: ErrorKind = ErrorKind.OTHER


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One rerun of a case under a variant. Exactly one of ``answer`` and ``error`` is set.

    ``seconds`` is the wall time of the model call that answered, without waiting for a slot;
    ``resumed`` says that the answer was kept from a session that was killed. In ``tail`` scope ``answer`` is
    the workflow's result with every tool call on the way to it, and ``trajectory`` holds the steps from the
    fork point on, in order, each tool step with its ``tool`` and ``arguments``.
    ``cached_as`` is what the answer is found by in ``answers.jsonl``; ``reused`` says that it came from there, and
    ``answered_at`` when it was paid for. Of a tail, ``cached_steps`` are the model calls that were made for it.
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


def cached_answer(trial: Trial) -> CachedAnswer | None:
    """What there is to keep of a trial at its fork point; None where that was kept before, or nothing was answered."""
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
    """All that one case's fork gave. ``reason`` says what happened where it is not ``measured``.

    ``requests`` maps a variant's name to what was sent for it; ``run_id`` is the (first) fork's workflow id.
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
