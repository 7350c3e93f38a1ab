"""Marks a run with attributes of its workflow, which DBOS stores as JSON next to its status.

If a workflow sets an attribute, DBOS makes a step of it, and an additional step would keep older runs from being
recovered and replayed. The attributes are therefore set outside of the workflow, from a separate thread, so the
application does not wait for its database.
"""

import atexit
import contextvars
import logging
import queue
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

PREFIX: Final = "refork."
FLAG: Final = f"{PREFIX}flag."
"""The prefix of the attribute that holds a flag. The rest distinguishes it from the run's other flags."""
USAGE: Final = f"{PREFIX}usage."
"""The prefix of the attribute that holds the tokens of a step. The rest is the step's number."""
WAITING: Final = 10_000
"""Marks that may wait for the database. Further ones are dropped."""
_AT_ONCE: Final = 100
SECONDS: Final = 2.0
"""Seconds that synchronous code waits for its mark, and that an ending process waits for those that are left."""

log = logging.getLogger("refork")


@dataclass(frozen=True)
class _Mark:
    """The attributes to write to a run through ``target``, DBOS or its client. Writes nothing if there is no
    target.
    """

    target: Any
    run_id: str
    attributes: Mapping[str, Any]
    done: threading.Event


_waiting: "queue.Queue[_Mark]" = queue.Queue(maxsize=WAITING)
_starting = threading.Lock()
_writer: threading.Thread | None = None


def mark(run_id: str, attributes: Mapping[str, Any], *, client: Any = None, wait: bool = True) -> None:
    """Add attributes to a run soon. Waits at most ``SECONDS``, and never in an event loop.

    ``client`` is a ``dbos.DBOSClient`` for a process that has no DBOS of its own.
    """
    target = client if client is not None else sys.modules["dbos"].DBOS
    wanted = _Mark(target, run_id, attributes, threading.Event())
    _start()
    _waiting.put_nowait(wanted)
    if wait and not _in_event_loop():
        wanted.done.wait(SECONDS)


def flush(seconds: float = SECONDS) -> None:
    """Wait until all marks so far are written, or ``seconds`` are over."""
    if _writer is not None and _writer.is_alive() and not _waiting.full():
        last = _Mark(None, "", {}, threading.Event())
        _waiting.put(last)
        last.done.wait(seconds)


def _start() -> None:
    global _writer  # noqa: PLW0603 - one a process, and a new one in a process that was forked
    with _starting:
        if _writer is None or not _writer.is_alive():
            _writer = threading.Thread(target=_work, name="refork-marks", daemon=True)
            # Without the caller's context DBOS takes the writing for no part of a workflow.
            contextvars.Context().run(_writer.start)


def _work() -> None:
    while True:
        marks = _all_waiting()
        for (_, run_id), same in _by_run(marks).items():
            attributes = {name: value for each in same for name, value in each.attributes.items()}
            try:
                contextvars.Context().run(_write, same[0].target, run_id, attributes)
            except Exception as error:  # whatever a database may raise: the application is not to know
                log.warning("a mark of run %r was not written: %s", run_id, error)
        for each in marks:
            each.done.set()


def _all_waiting() -> list[_Mark]:
    """Return at least one mark, and those that came while the last ones were written, so that a busy run is written
    to once.
    """
    marks = [_waiting.get()]
    with suppress(queue.Empty):
        while len(marks) < _AT_ONCE:
            marks.append(_waiting.get_nowait())
    return marks


def _by_run(marks: list[_Mark]) -> dict[tuple[int, str], list[_Mark]]:
    found: dict[tuple[int, str], list[_Mark]] = {}
    for each in marks:
        found.setdefault((id(each.target), each.run_id), []).append(each)
    return found


def _write(target: Any, run_id: str, attributes: Mapping[str, Any]) -> None:
    if target is not None:
        target.update_workflow_attributes(run_id, dict(attributes), merge=True)


def _in_event_loop() -> bool:
    asyncio: Any = sys.modules.get("asyncio")
    if asyncio is None:  # not imported, so that no loop runs
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


atexit.register(flush)
