"""How a run is marked: as attributes of its workflow, which DBOS keeps as JSON beside its status.

DBOS makes a step of an attribute that a workflow sets, and a step more would keep older runs from being
recovered and replayed. So the attributes are set outside of the workflow, from a thread of their own, which
also keeps the application from waiting for its database.
"""

import atexit
import contextvars
import logging
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

PREFIX: Final = "refork."
FLAG: Final = f"{PREFIX}flag."
"""Begins the attribute that holds a flag; the rest tells it from the run's other flags."""
USAGE: Final = f"{PREFIX}usage."
"""Begins the attribute that holds the tokens of a step; the rest is the step's number."""
WAITING: Final = 10_000
"""Marks that may wait for the database. Those that come when it is that far behind are dropped."""
SECONDS: Final = 2.0
"""How long synchronous code waits for its mark, and a process that ends for those that it still has."""

log = logging.getLogger("refork")

Write = Callable[[], None]
_waiting: "queue.Queue[tuple[Write, threading.Event]]" = queue.Queue(maxsize=WAITING)
_starting = threading.Lock()
_writer: threading.Thread | None = None


def mark(run_id: str, attributes: Mapping[str, Any], *, client: Any = None, wait: bool = True) -> None:
    """Add attributes to a run, soon. Gives up waiting after ``SECONDS``, and never waits in an event loop.

    ``client`` is a ``dbos.DBOSClient`` for a process that has no DBOS of its own.
    """
    target = client if client is not None else sys.modules["dbos"].DBOS
    done = threading.Event()

    def write() -> None:
        target.update_workflow_attributes(run_id, dict(attributes), merge=True)

    _start()
    _waiting.put_nowait((write, done))
    if wait and not _in_event_loop():
        done.wait(SECONDS)


def flush(seconds: float = SECONDS) -> None:
    """Wait until what was marked up to now is written, or ``seconds`` are over."""
    if _writer is not None and _writer.is_alive() and not _waiting.full():
        done = threading.Event()
        _waiting.put((_nothing, done))
        done.wait(seconds)


def _start() -> None:
    global _writer  # noqa: PLW0603 - one a process, and a new one in a process that was forked
    with _starting:
        if _writer is None or not _writer.is_alive():
            _writer = threading.Thread(target=_work, name="refork-marks", daemon=True)
            # Without the caller's context DBOS takes the writing for no part of a workflow.
            contextvars.Context().run(_writer.start)


def _work() -> None:
    while True:
        write, done = _waiting.get()
        try:
            contextvars.Context().run(write)
        except Exception as error:  # whatever a database may raise: the application is not to know
            log.warning("a mark of a run was not written: %s", error)
        done.set()


def _in_event_loop() -> bool:
    asyncio: Any = sys.modules.get("asyncio")
    if asyncio is None:  # not imported, so that no loop runs
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _nothing() -> None:
    """A mark that only tells that those before it are written."""


atexit.register(flush)
