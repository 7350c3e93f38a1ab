"""Makes one trial at the fork point: a model call as a DBOS step, whose checkpoint holds the answer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

from dbos._error import DBOSWorkflowCancelledError
from pydantic import TypeAdapter

from refork.answer_cache import AnswerKey, Store
from refork.answer_cache import request_keys as keys
from refork.errors import DatabaseError, ReforkError
from refork.fork.attempts import Account, attempted, trial_error
from refork.fork.attempts.retry_policy import Retries, is_transient
from refork.fork.http_steps import Exchanges, checkpoint_fields, is_own, known, sent_by
from refork.fork.trials.concurrency_limit import ConcurrencyLimit
from refork.frameworks.protocol import ModelCall, Reply
from refork.records import Answer, Json, Request
from refork.records.outcome import ErrorKind, Trial, TrialError
from refork.records.usage import Usage
from refork.redaction import without
from refork.redaction.error_text import summary

_ANSWER = TypeAdapter(Answer)
_USAGE = TypeAdapter(Usage | None)
_ERROR = TypeAdapter(TrialError)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of a session's forks, and its cached answers.

    ``slots`` limits the calls in flight. A trial in ``step`` scope may take ``trial_seconds``, with all of its
    attempts, one in ``tail`` scope ``tail_seconds``; a replay may make no progress for ``replay_seconds``. ``account``
    remembers keys and quotas that cannot be used.
    """

    slots: ConcurrencyLimit
    retries: Retries
    answers: Store = field(default_factory=Store)
    account: Account = field(default_factory=Account)
    trial_seconds: float = 120.0
    tail_seconds: float = 600.0
    replay_seconds: float = 30.0


def name_of(variant: str, number: int, request: Request) -> str:
    """Return the name of the trial's step, which contains all that must match for its checkpoint to be used again."""
    return f"trial:{variant}:{number}:{digest(request)}"


def digest(request: Request) -> str:
    """Return twelve hexadecimal digits that change with anything in the request."""
    return keys.digest(asdict(request))[:12]


Note: TypeAlias = Callable[[Trial], Awaitable[None]]


class NotAnsweredError(ReforkError):
    """A trial's call was not answered. It stands for the original exception, which DBOS must not record."""

    def __init__(self, error: TrialError) -> None:
        super().__init__(f"{error.type}: {error.message}")
        self.error = error


async def run_trial(
    variant: str,
    number: int,
    call: ModelCall,
    *,
    reservation: Any,
    name: str,
    limits: Limits,
    key: AnswerKey | None,
    note: Note,
    exchanges: Exchanges | None = None,
) -> Trial:
    """Make the call in the step that was reserved, or read its checkpoint if a killed session left one.

    ``exchanges`` answers the requests of a call that runs a step's code. ``note`` is awaited as soon as the answer is
    there, before its checkpoint is written. Whatever the call raises becomes the trial's error. Raises only if the
    fork is over.
    """
    common: dict[str, Any] = {
        "variant": variant,
        "number": number,
        "model": call.request.model,
        "cached_as": key,
    }
    uncached: dict[str, Any] = {**common, "cached_as": None}
    noted: Trial | None = None

    async def step() -> Json:
        nonlocal noted
        cached = await answered()
        noted = _trial_of(cached, **common)
        await note(noted)
        return cached

    async def answered() -> dict[str, Json]:
        ended = await attempted(
            lambda: sent_by(call, exchanges), retries=limits.retries, seconds=limits.trial_seconds
        )
        if ended.error is not None:
            return _failed(ended.error, limits, exchanges)
        assert ended.value is not None, "a call without an error gives a reply"
        cached: dict[str, Json] = without(_cached(ended.value, ended.seconds))
        return {**cached, **_exchanged(exchanges, ended.value)}

    try:
        cached = await reservation.run_async({"name": name}, step)
    except NotAnsweredError as ended:
        return Trial(**uncached, error=ended.error)
    except Exception as error:
        # What was answered and noted stands, although its checkpoint could not be written.
        return noted or Trial(**uncached, error=at_fault(error))
    finally:
        if exchanges is not None:
            exchanges.close()
    if noted is not None:
        return noted
    resumed = _trial_of(cached, **common, resumed=True)
    await note(resumed)
    return resumed


def _trial_of(cached: Mapping[str, Any], **common: Any) -> Trial:
    """Return the trial that a checkpoint contains."""
    facts: dict[str, Any] = {**common, **known(cached.get("http"))}
    facts |= {"usage": _USAGE.validate_python(cached["usage"]), "answered_at": datetime.now(UTC)}
    if "failed" in cached:
        return Trial(**facts, error=_ERROR.validate_python(cached["failed"]))
    return Trial(
        **facts,
        answer=_ANSWER.validate_python(cached["answer"]),
        seconds=cached["seconds"] + cached.get("http", {}).get("seconds", 0.0),
        raw=cached["raw"],
    )


def at_fault(error: BaseException) -> TrialError:
    """Return the error of a trial that failed in Refork's own code, or because its database failed."""
    if isinstance(error, DatabaseError):
        return trial_error(error)
    return TrialError(
        type=type(error).__name__,
        kind=ErrorKind.INTERNAL,
        message=f"Refork itself failed here, please report it: {summary(error)}",
    )


def _failed(error: BaseException, limits: Limits, exchanges: Exchanges | None) -> dict[str, Json]:
    """Return the checkpoint of a call that failed. Raises NotAnsweredError if a later session is to make it again.

    The checkpoint also holds the answers that were paid for on the way, so that a kill does not lose them.
    """
    if isinstance(error, DBOSWorkflowCancelledError):
        raise error  # the fork is over
    ended = trial_error(error, seconds=limits.trial_seconds, own=is_own(error, exchanges))
    if exchanges is None or not exchanges.seen or is_transient(error):
        raise NotAnsweredError(ended) from None
    return {"failed": _ERROR.dump_python(ended, mode="json"), **_exchanged(exchanges)}


def _exchanged(exchanges: Exchanges | None, reply: Reply | None = None) -> dict[str, Json]:
    """Return the fields that the requests of a step's code add to its checkpoint; empty if there were none.

    Their tokens count, unless the step has reported its own.
    """
    if exchanges is None or not exchanges.seen:
        return {}
    usage = reply.usage if reply is not None and reply.reported else exchanges.usage
    return {"usage": _USAGE.dump_python(usage, mode="json"), "http": checkpoint_fields(exchanges)}


def _cached(reply: Reply, seconds: float) -> dict[str, Json]:
    return {
        "answer": _ANSWER.dump_python(reply.answer, mode="json"),
        "usage": _USAGE.dump_python(reply.usage, mode="json"),
        "seconds": seconds,
        "raw": reply.raw,
    }
