"""Stores large values in ``run.json``: compressed if a replay needs them, otherwise left out.

Both are tagged objects. A compressed value is expanded when the file is read, so no other module sees one.
"""

import base64
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from refork.errors import BadFileError
from refork.records import Run, Step
from refork.storage.json_text import parse_json
from refork.text.lines import one_line
from refork.values import LEFT_OUT, TAG

LARGE: Final = 100_000
"""Characters of JSON up to which a value is stored uncompressed."""
MOST: Final = 1_000_000_000
"""Characters that the compressed values of one file may expand to, because a file may come from a pull request."""
ZLIB: Final = "zlib"


def fitted(step: Step, *, fork_point: int) -> Step:
    """Return the step as it is stored in a case that forks at ``fork_point``."""
    fit = compressed if step.number < fork_point else _kept if step.number == fork_point else without
    request = step.request
    if request is not None:
        request = replace(request, input=(without if step.number > fork_point else compressed)(request.input))
    error = None if step.error is None else replace(step.error, value=fit(step.error.value))
    arguments = compressed(step.arguments)
    return replace(step, arguments=arguments, output=fit(step.output), error=error, request=request)


def fitted_head(run: Run) -> Run:
    """Return the run with a large input compressed and a large output left out."""
    return replace(
        run,
        args=tuple(map(compressed, run.args)),
        kwargs={name: compressed(value) for name, value in run.kwargs.items()},
        output=without(run.output),
    )


def compressed(value: Any) -> Any:
    text = _large(value)
    if text is None:
        return value
    data = base64.b64encode(zlib.compress(text.encode("utf-8", "surrogatepass"), 6)).decode()
    # Random bytes do not get smaller, and are easier to look at as they are.
    return {TAG: ZLIB, "value": data} if len(data) < len(text) else value


def without(value: Any) -> Any:
    text = _large(value)
    if text is None:
        return value
    note = f"left out: {len(text):,} characters of JSON, past the fork point"
    return {TAG: LEFT_OUT, "value": {"characters": len(text), "text": note}}


def is_left_out(value: Any) -> bool:
    return isinstance(value, dict) and value.get(TAG) == LEFT_OUT


def expanded(document: dict[str, Any], *, path: Any) -> dict[str, Any]:
    """Return the document of a ``run.json`` with every compressed value in full, in place. Raises BadFileError."""
    room = MOST

    def expand(holder: Any, key: Any) -> None:
        nonlocal room
        value = holder[key]
        if isinstance(value, dict) and value.get(TAG) == ZLIB:
            text = _text(value.get("value"), room, path)
            room -= len(text)
            holder[key] = parse_json(text, path=path)

    _each_value(document.get("run"), expand)
    return document


def _each_value(run: Any, do: Callable[[Any, Any], None]) -> None:
    """Call ``do`` for every place of a run that may hold a compressed value."""
    if not isinstance(run, dict):
        return
    args, kwargs, steps = run.get("args"), run.get("kwargs"), run.get("steps")
    for index in range(len(args) if isinstance(args, list) else 0):
        do(args, index)
    for name in [*kwargs] if isinstance(kwargs, dict) else ():
        do(kwargs, name)
    for step in steps if isinstance(steps, list) else ():
        for holder, key in _places(step):
            if isinstance(holder, dict) and key in holder:
                do(holder, key)


def _places(step: Any) -> list[tuple[Any, str]]:
    if not isinstance(step, dict):
        return []
    return [
        (step, "arguments"),
        (step, "output"),
        (step.get("request"), "input"),
        (step.get("error"), "value"),
    ]


def _text(data: Any, room: int, path: Any) -> str:
    reader = zlib.decompressobj()
    try:
        found = reader.decompress(base64.b64decode(data, validate=True), room + 1)
        text = found.decode("utf-8", "surrogatepass")
    except (TypeError, ValueError, zlib.error) as error:
        raise BadFileError(f"{str(path)!r} is damaged: {one_line(str(error))}") from error
    if len(found) > room:
        raise BadFileError(f"{str(path)!r} expands to more than {MOST:,} characters, the most that is read")
    if not reader.eof:
        raise BadFileError(f"{str(path)!r} is damaged: a compressed value ends too early")
    return text


def _kept(value: Any) -> Any:
    return value


def _large(value: Any) -> str | None:
    """Return the JSON of a large value; None for a small one, which most are and which is found out cheaply."""
    if (
        value is None
        or isinstance(value, bool | int | float)
        or (isinstance(value, str) and len(value) < LARGE // 6)
    ):
        return None
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) > LARGE else None
