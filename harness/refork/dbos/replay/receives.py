"""Finds the message that a workflow waits for, where DBOS checks whether it arrived before."""

from collections.abc import Mapping
from typing import Any, Final

from refork.dbos.replay.callers import locals_of_callers

_DEPTH: Final = 20
_WANTED: Final = ("topic", "timeout_seconds")
_NO_TOPIC: Final = "__null__topic__"


def receiving() -> Mapping[str, Any]:
    """Return the topic and the time-out of the calling ``DBOS.recv``, as they were passed; empty elsewhere."""
    for known in locals_of_callers("dbos._sys_db", depth=_DEPTH):
        if all(name in known for name in _WANTED):
            topic = known["topic"]
            return {
                "topic": None if topic == _NO_TOPIC else topic,
                "timeout_seconds": known["timeout_seconds"],
            }
    return {}
