"""The attributes that production code gave a run: why it was flagged, and the tokens that its steps reported."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from refork.dbos.reader.recordings import Flag
from refork.http_calls.client_responses import answer_of
from refork.production.reported_usage import COUNTS
from refork.production.run_attributes import FLAG, USAGE
from refork.records import Step, StepKind
from refork.records.usage import Usage, checked
from refork.values import decoded


def flagged(attributes: Any) -> Any:
    """Return the SQL condition that a run has a flag, for SQLite and Postgres."""
    return attributes.is_not(None) & sa.cast(attributes, sa.Text).contains(f'"{FLAG}')


def flags_of(attributes: object) -> Sequence[Flag]:
    """Return the flags of a run, oldest first."""
    found = [_flag(value) for name, value in _items(attributes) if name.startswith(FLAG)]
    return sorted((flag for flag in found if flag is not None), key=lambda flag: (str(flag.at), flag.reason))


def with_reported_usage(step: Step, attributes: object) -> Step:
    """Return the step with its reported tokens. A step that reported tokens called a model, whatever its answer
    looks like.
    """
    told = next((value for name, value in _items(attributes) if name == f"{USAGE}{step.number}"), None)
    if not isinstance(told, Mapping) or step.usage is not None:
        return step
    counts = {name: told[name] for name in COUNTS if isinstance(told.get(name), int)}
    model = told.get("model")
    kind = step.kind if step.kind is not StepKind.OTHER else StepKind.MODEL
    return replace(
        step,
        kind=kind,
        usage=checked(**counts),
        model=model if isinstance(model, str) else step.model,
        answer=step.answer or (None if step.error is not None else answer_of(decoded(step.output))),
    )


def reported_usage(attributes: object) -> Usage | None:
    """Return the usage that all steps of a run reported together; None if none did."""
    found = [
        Usage(**{count: told[count] for count in COUNTS if isinstance(told.get(count), int)})
        for name, told in _items(attributes)
        if name.startswith(USAGE) and isinstance(told, Mapping)
    ]
    return sum(found[1:], found[0]) if found else None


def _items(attributes: object) -> Sequence[tuple[str, Any]]:
    return (
        [(str(name), value) for name, value in attributes.items()] if isinstance(attributes, Mapping) else []
    )


def _flag(value: object) -> Flag | None:
    if not isinstance(value, Mapping):
        return None
    step, at = value.get("step"), value.get("at")
    return Flag(
        reason=str(value.get("reason", "")),
        step=step if isinstance(step, int | str) else None,
        at=_moment(at),
    )


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
