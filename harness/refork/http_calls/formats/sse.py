"""Reads server-sent events, as which every API streams its answers."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from refork.http_calls.wire import Received


def is_stream(answer: Received) -> bool:
    return "event-stream" in (answer.header("content-type") or "") or answer.body.lstrip()[:5] in (
        b"data:",
        b"event",
    )


def events(answer: Received) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a stream's events, in order."""
    for event in answer.text.replace("\r\n", "\n").split("\n\n"):
        lines = [line[5:].removeprefix(" ") for line in event.split("\n") if line.startswith("data:")]
        with suppress(ValueError, RecursionError):
            found = json.loads("\n".join(lines))
            if isinstance(found, dict):
                yield found


def whole(answer: Received) -> dict[str, Any] | None:
    """Return the JSON object of a response that was not streamed; None if it is none."""
    with suppress(ValueError, RecursionError):
        found = json.loads(answer.body)
        return found if isinstance(found, dict) else None
    return None
