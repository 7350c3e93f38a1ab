"""One trial at the fork point: a model call made once, as a DBOS step that keeps its answer."""

import asyncio
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from refork.answers import AnswerKey, Store, keys
from refork.case import Answer, Json, Request
from refork.fork.http_steps import Exchanges, is_own, known, sent_by, told
from refork.fork.retries import Retries, is_transient, last_error
from refork.fork.slots import Slots
from refork.fork.tool_run import ToolRun
from refork.frameworks import ModelCall, Reply
from refork.outcome import Trial, TrialError
from refork.usage import Usage

_ANSWER = TypeAdapter(Answer)
_USAGE = TypeAdapter(Usage | None)
_ERROR = TypeAdapter(TrialError)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What bounds the forks of a session, and the kept answers that spare it calls.

    A trial in ``step`` scope may take ``trial_seconds``, one in ``tail`` scope ``tail_seconds``; a replay may
    stand still for ``replay_seconds``.
    """

    slots: Slots
    retries: Retries
    answers: Store = field(default_factory=Store)
    trial_seconds: float = 120.0
    tail_seconds: float = 600.0
    replay_seconds: float = 30.0


def name_of(variant: str, number: int, request: Request) -> str:
    """The trial's name as a step: a mix-up of variants, trials or requests after a kill changes it."""
    return f"trial:{variant}:{number}:{digest(request)}"


def digest(request: Request) -> str:
    """Twelve hexadecimal digits that change with anything that is sent."""
    return keys.digest(asdict(request))[:12]


async def run_trial(
    variant: str,
    number: int,
    call: ModelCall,
    *,
    reservation: Any,
    name: str,
    limits: Limits,
    key: AnswerKey | None,
    exchanges: Exchanges | None = None,
) -> Trial:
    """Make the call in the step that was reserved, or read what a killed session kept of it.

    ``exchanges`` are those of a call that is a run of a step's code.
    """
    ran = False
    acts = isinstance(call, ToolRun)

    async def step() -> Json:
        nonlocal ran
        ran = True
        began = time.monotonic()
        try:
            reply = await asyncio.wait_for(sent_by(call, exchanges), limits.trial_seconds)
        except Exception as error:
            # What was paid for on the way is in the checkpoint, too: a session that is killed now loses none of it.
            if exchanges is None or not exchanges.seen or is_transient(error):
                raise
            ended = _ended(error, limits, own=is_own(error, exchanges, acts=acts))
            return {"failed": _ERROR.dump_python(ended, mode="json"), **_exchanged(exchanges)}
        return {**_kept(reply, time.monotonic() - began), **_exchanged(exchanges, reply)}

    common: dict[str, Any] = {"variant": variant, "number": number, "model": call.request.model}
    try:
        kept = await reservation.run_async({"name": name, **limits.retries.step_options()}, step)
    except Exception as error:
        cause = last_error(error)
        return Trial(**common, error=_ended(cause, limits, own=is_own(cause, exchanges, acts=acts)))
    finally:
        if exchanges is not None:
            exchanges.close()
    common |= {"usage": _USAGE.validate_python(kept["usage"]), "resumed": not ran}
    common |= {"answered_at": datetime.now(UTC), "kept_as": key} | known(kept.get("http"))
    if "failed" in kept:
        return Trial(**common, error=_ERROR.validate_python(kept["failed"]))
    return Trial(
        **common,
        answer=_ANSWER.validate_python(kept["answer"]),
        seconds=kept["seconds"],
        raw=kept["raw"],
    )


def _ended(error: BaseException, limits: Limits, *, own: bool) -> TrialError:
    message = said_by(error) or f"no answer within {limits.trial_seconds:g} s"
    return TrialError(type=type(error).__name__, message=message, own=own)


def _exchanged(exchanges: Exchanges | None, reply: Reply | None = None) -> dict[str, Json]:
    """What the requests of a step's code add to its checkpoint: their tokens count where the step tells none."""
    if exchanges is None or not exchanges.seen:
        return {}
    usage = reply.usage if reply is not None and reply.reported else exchanges.usage
    return {"usage": _USAGE.dump_python(usage, mode="json"), "http": told(exchanges)}


def said_by(error: BaseException) -> str:
    """An exception's message in one line of at most 500 characters."""
    text = " ".join(str(error).split())
    return text if len(text) <= 500 else text[:499] + "…"


def _kept(reply: Reply, seconds: float) -> dict[str, Json]:
    return {
        "answer": _ANSWER.dump_python(reply.answer, mode="json"),
        "usage": _USAGE.dump_python(reply.usage, mode="json"),
        "seconds": seconds,
        "raw": reply.raw,
    }
