"""One trial at the fork point: a model call made once, as a DBOS step that keeps its answer."""

import asyncio
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from refork.answers import AnswerKey, Store, keys
from refork.case import Answer, Json, Request
from refork.fork.retries import Retries, last_error
from refork.fork.slots import Slots
from refork.fork.tool_run import ToolRun
from refork.frameworks import ModelCall, Reply
from refork.outcome import Trial, TrialError
from refork.usage import Usage

_ANSWER = TypeAdapter(Answer)
_USAGE = TypeAdapter(Usage | None)


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
) -> Trial:
    """Make the call in the step that was reserved, or read what a killed session kept of it."""
    ran = False

    async def step() -> Json:
        nonlocal ran
        ran = True
        began = time.monotonic()
        reply = await asyncio.wait_for(call.send(), limits.trial_seconds)
        return _kept(reply, time.monotonic() - began)

    common: dict[str, Any] = {"variant": variant, "number": number, "model": call.request.model}
    try:
        kept = await reservation.run_async({"name": name, **limits.retries.step_options()}, step)
        return Trial(
            **common,
            answer=_ANSWER.validate_python(kept["answer"]),
            usage=_USAGE.validate_python(kept["usage"]),
            seconds=kept["seconds"],
            raw=kept["raw"],
            resumed=not ran,
            answered_at=datetime.now(UTC),
            kept_as=key,
        )
    except Exception as error:
        cause = last_error(error)
        message = said_by(cause) or f"no answer within {limits.trial_seconds:g} s"
        own = isinstance(call, ToolRun) and not isinstance(cause, TimeoutError)
        return Trial(**common, error=TrialError(type=type(cause).__name__, message=message, own=own))


def said_by(error: BaseException) -> str:
    """An exception's message in one line of at most 500 characters."""
    text = " ".join(str(error).split())
    return text if len(text) <= 500 else text[:499] + "…"


def _kept(reply: Reply, seconds: float) -> Json:
    return {
        "answer": _ANSWER.dump_python(reply.answer, mode="json"),
        "usage": _USAGE.dump_python(reply.usage, mode="json"),
        "seconds": seconds,
        "raw": reply.raw,
    }
