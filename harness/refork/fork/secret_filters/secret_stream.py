"""Removes secrets from a streamed answer, in which a secret may begin in one piece and end in another."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from refork.redaction import without

_LEAD: Final = "data:"
_PIECES: Final = frozenset(
    {
        *("content", "text", "delta", "arguments", "partial_json", "refusal"),
        *("reasoning_content", "reasoning", "thinking"),
    }
)
"""Keys under which the wire formats have a piece of a longer text."""
_WHICH: Final = ("type", "index", "output_index", "content_index", "item_id")
"""Keys whose values are the same in all pieces of one text."""


@dataclass(frozen=True)
class _Piece:
    """A piece of a text: the object that holds it, and under which key."""

    holder: dict[str, Any]
    key: str

    @property
    def text(self) -> str:
        return str(self.holder[self.key])


def hidden_stream(body: str) -> str:
    """Return a body of server-sent events without secrets; the same text if it has none."""
    lines = body.splitlines(keepends=True)
    events = {number: found for number, line in enumerate(lines) if (found := _event(line)) is not None}
    before = {number: json.dumps(event) for number, event in events.items()}
    _hide_joined(events.values())
    for number, event in events.items():
        changed = without(event)
        if changed is not event or json.dumps(event) != before[number]:
            ending = lines[number][len(lines[number].rstrip("\r\n")) :]
            lines[number] = f"{_LEAD} {json.dumps(changed)}{ending}"
    return "".join(lines)


def _event(line: str) -> dict[str, Any] | None:
    if not line.startswith(_LEAD):
        return None
    try:
        found = json.loads(line[len(_LEAD) :])
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _hide_joined(events: Iterable[dict[str, Any]]) -> None:
    """Put a text that contains a secret, whole and without it, into the place of its first piece."""
    texts: dict[tuple[Any, ...], list[_Piece]] = {}
    for event in events:
        for which, piece in _pieces(event, ()):
            texts.setdefault(which, []).append(piece)
    for pieces in texts.values():
        joined = "".join(piece.text for piece in pieces)
        changed = without(joined)
        if len(pieces) > 1 and changed != joined:
            for piece in pieces:
                piece.holder[piece.key] = ""
            pieces[0].holder[pieces[0].key] = changed


def _pieces(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], _Piece]]:
    if isinstance(value, list):
        for item in value:
            yield from _pieces(item, path)
    if not isinstance(value, dict):
        return
    here = (*path, *_which(value))
    for key, item in value.items():
        if isinstance(item, str) and key in _PIECES:
            yield (*here, key), _Piece(value, key)
        else:
            yield from _pieces(item, (*here, key))


def _which(value: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple((name, str(value[name])) for name in _WHICH if name in value)
