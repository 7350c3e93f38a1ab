"""Runs a step's code, intercepts its requests, and reports the result to a trial."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from dbos._error import DBOSWorkflowCancelledError
from pydantic import TypeAdapter

from refork.answer_cache import CachedAnswer
from refork.errors import ReforkError, UnreadableAnswerError
from refork.fork.attempts.problems import is_of_a_client, is_of_the_answer
from refork.fork.attempts.sdk_watch import SdkWatch
from refork.fork.http_steps.exchanges import Exchanges
from refork.frameworks.protocol import ModelCall, Reply
from refork.http_calls import watching
from refork.http_calls.formats import Reading
from refork.records import Json
from refork.redaction.error_text import message_of, name_of, summary
from refork.values.nesting import DEEPEST, is_nested_too_deeply

_OVER: Final = (asyncio.CancelledError, KeyboardInterrupt, SystemExit, DBOSWorkflowCancelledError)
_KEPT = TypeAdapter(tuple[CachedAnswer, ...])


async def sent_by(call: ModelCall, exchanges: Exchanges | None) -> Reply:
    """Make the call once. Raises what its model's client or the step's code raises."""
    if exchanges is None:
        return await _watched(call)
    exchanges.again()
    try:
        with watching(exchanges):
            reply = await call.send()
    except BaseException as error:
        problem = error_to_raise(error, exchanges)
        if problem is not None:
            raise problem from error
        raise
    problem = exchanges.failure(None)
    if problem is not None:
        raise problem
    return _checked(_ending_like(reply, exchanges.readings[-1] if exchanges.readings else None))


def error_to_raise(error: BaseException, exchanges: Exchanges) -> Exception | None:
    """Return what to raise instead of the error that a step's code ended with; None for the error itself.

    The error may be part of a group, as from a TaskGroup. The end of the trial or of its fork has priority.
    """
    if isinstance(error, _OVER):
        return None
    problem = exchanges.failure(error)
    return None if problem is error else problem


async def _watched(call: ModelCall) -> Reply:
    """Make a call with a framework's own client, and read from its response how the answer ended."""
    watch = SdkWatch()
    try:
        with watching(watch):
            reply = await call.send()
    except Exception as error:
        if not watch.answered or isinstance(error, TimeoutError):
            raise
        raise _unreadable(error, watch.oddity) from error
    return _checked(_ending_like(reply, watch.reading))


def _checked(reply: Reply) -> Reply:
    """Return the reply. Raises UnreadableAnswerError if it is nested too deeply for a checkpoint."""
    answer = reply.answer
    said = [reply.raw, answer.structured, *(call.arguments for call in answer.tool_calls)]
    if any(map(is_nested_too_deeply, said)):
        raise UnreadableAnswerError(f"it is nested deeper than {DEEPEST} levels")
    return reply


def _unreadable(error: Exception, oddity: str) -> UnreadableAnswerError:
    """Return the error of an answer that the client or the framework could not read."""
    return UnreadableAnswerError(f"{oddity or 'nothing odd is seen in it'} ({summary(error, 200)})")


def _ending_like(reply: Reply, reading: Reading | None) -> Reply:
    """Return the reply with the ending of its answer as the HTTP response says it."""
    if reading is None or reading.answer.ending is None:
        return reply
    return replace(reply, answer=replace(reply.answer, ending=reading.answer.ending))


def is_own(error: BaseException, exchanges: Exchanges | None) -> bool:
    """Return whether the step's code, or the framework, raised the error because of a model's answer, which is then
    the result of the run.
    """
    if isinstance(error, TimeoutError | ReforkError):
        return False
    if exchanges is None:
        return is_of_the_answer(name_of(error), message_of(error))
    return exchanges.seen or not is_of_a_client(error)


def checkpoint_fields(exchanges: Exchanges) -> dict[str, Json]:
    """Return the part of a checkpoint that describes the requests."""
    return {
        "made": _KEPT.dump_python(exchanges.made, mode="json"),
        "reused": exchanges.all_reused,
        "answered_at": exchanges.answered_at.isoformat(),
        "seconds": exchanges.cached_seconds,
        "model": exchanges.model,
    }


def known(cached: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the fields of a trial that describe its requests; empty if it made none."""
    if cached is None:
        return {}
    return {
        "cached_as": None,
        "cached_steps": _KEPT.validate_python(cached["made"]),
        "reused": cached["reused"],
        "answered_at": datetime.fromisoformat(cached["answered_at"]),
        **({"model": cached["model"]} if cached["model"] else {}),
    }
