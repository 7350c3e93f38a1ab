"""Marks runs as bad: ``refork.flag``."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any, Final

from refork.production import hooks
from refork.production import run_attributes as marks

LONGEST: Final = 2000
"""Characters of a reason that are stored."""


def flag(
    reason: str, step: int | str | None = None, *, run_id: str | None = None, client: Any = None
) -> None:
    """Mark a run as bad, so that ``refork runs --flagged`` lists it and ``refork show`` prints the reason.

    ``reason`` is a text, cut off after 2,000 characters. ``step`` is the number of the step that went wrong, or
    the name of its agent, if known. The run is the calling one, or ``run_id``, for example in a feedback endpoint.
    A run may have several flags; the same reason for the same step counts once. ``client`` is a
    ``dbos.DBOSClient`` for a process that launches no DBOS.

    Raises nothing. It does nothing outside of a run and during an evaluation, and logs a warning if the flag
    cannot be written. In an event loop it does not wait for the write.
    """
    try:
        if hooks.evaluation is not None:
            return
        run = run_id or _run_here()
        if run is not None:
            marks.mark(run, _attributes(reason, step), client=client)
    except Exception as error:  # a flag that cannot be written is no reason to break the application
        marks.log.warning("a run was not flagged: %s: %s", type(error).__name__, error)


def _run_here() -> str | None:
    here = hooks.run_here()
    return None if here is None else here[0]


def _attributes(reason: object, step: object) -> dict[str, Any]:
    said = {"reason": str(reason)[:LONGEST], "step": step if step is None else _step(step)}
    # Named after what it says: a workflow that is recovered flags itself again.
    name = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:12]
    return {marks.FLAG + name: {**said, "at": datetime.now(UTC).isoformat(timespec="seconds")}}


def _step(step: object) -> int | str:
    return step if isinstance(step, int) and not isinstance(step, bool) else str(step)[:LONGEST]
