"""Removes secrets from the results of a fork, before they are scored, cached, reported or shown.

An answer is changed as soon as it arrives. The code that requested it, the cache and the next session therefore all
get the same answer.
"""

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

from refork.errors import ReforkError, ValueNotPortableError
from refork.fork.secret_filters.secret_stream import hidden_stream
from refork.http_calls.wire import Received
from refork.records import Request
from refork.records.outcome import Trial
from refork.redaction import Redactor, without
from refork.redaction.process_secrets import HIDDEN
from refork.redaction.runs import (
    redacted_answer,
    redacted_request,
    redacted_step,
    scan_answer,
    scan_request,
    scan_step,
)
from refork.redaction.texts import without_secrets
from refork.values import decode, encode


def hidden_trial(trial: Trial) -> Trial:
    """Return the trial without secrets; the same object if it has none."""
    redactor = Redactor(placeholder=HIDDEN)
    if trial.answer is not None:
        scan_answer(redactor, trial.answer)
    for step in trial.trajectory:
        scan_step(redactor, step)
    if trial.error is not None:
        redactor.scan(trial.error.message)
    redactor.scan([trial.raw, *(cached.output for cached in trial.cached_steps)])
    return trial if redactor.idle else _without(redactor, trial)


def _without(redactor: Redactor, trial: Trial) -> Trial:
    answer, error = trial.answer, trial.error
    return replace(
        trial,
        answer=None if answer is None else redacted_answer(redactor, answer, None),
        error=None if error is None else replace(error, message=redactor.apply(error.message, None)),
        raw=redactor.apply(trial.raw, None),
        trajectory=tuple(redacted_step(redactor, step) for step in trial.trajectory),
        cached_steps=tuple(
            replace(cached, output=redactor.apply(cached.output, None)) for cached in trial.cached_steps
        ),
    )


def hidden_request(request: Request) -> Request:
    """Return the request without secrets, for showing it. What is sent does not change."""
    redactor = Redactor(placeholder=HIDDEN)
    scan_request(redactor, request)
    return request if redactor.idle else redacted_request(redactor, request, None)


def hidden_output(output: Any) -> Any:
    """Return the output of a model step without secrets; unchanged if it has none, or no JSON form."""
    with suppress(ValueNotPortableError):
        plain = encode(output)
        changed = without(plain)
        if changed is not plain:
            return decode(changed)
    return output


def hidden_response(answer: Received) -> Received:
    """Return a model's response without secrets, in the same wire format."""
    text = answer.body.decode("utf-8", "surrogateescape")
    changed = _hidden_json(text) if text.lstrip()[:1] in ("{", "[") else hidden_stream(text)
    return answer if changed == text else replace(answer, body=changed.encode("utf-8", "surrogateescape"))


def _hidden_json(text: str) -> str:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    changed = without(found)
    if changed is found:
        return text
    return json.dumps(changed, ensure_ascii=text.isascii()) + text[len(text.rstrip()) :]


def hidden_problem(problem: ReforkError) -> ReforkError:
    """Remove secrets from the message of an error, and return the error."""
    said = str(problem)
    changed = without_secrets(said)
    if changed != said:
        problem.args = (changed, *problem.args[1:])
    return problem
