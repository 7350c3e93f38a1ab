"""Compares two prompts: as lines for a terminal, as marked words for a page."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from itertools import groupby
from typing import Final, Literal, TypeAlias

from refork.text.escape import escape_controls

_WORDS: Final = re.compile(r"\w+\s*|[^\w\s]\s*|\s+")
_ALIKE: Final = 0.3
"""The similarity below which two passages are marked whole, because many small marks are hard to read."""

_MOST_WORDS: Final = 4_000
"""The number of words from which a passage is marked whole, because comparing word by word would take seconds."""

Mark: TypeAlias = Literal["same", "del", "ins"]

_Passage: TypeAlias = tuple[bool, str, str]
"""A passage: whether it is the same in both, its text before, its text after."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A stretch of a prompt: in both, only before (``del``), or only after (``ins``)."""

    mark: Mark
    text: str


def prompt_diff(current: str, candidate: str, name: str = "candidate") -> list[str]:
    """Return the unified diff of two prompts as lines for a terminal, controls spelled out; empty if equal."""
    before, after = escape_controls(current).splitlines(), escape_controls(candidate).splitlines()
    return list(unified_diff(before, after, fromfile="current", tofile=name, lineterm="", n=2))


def marked(before: str, after: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Return the pieces of both prompts for two columns: removed text on the left, added text on the right.

    Words are compared and white space between them is ignored, so a paragraph that was only wrapped differently is
    equal.
    """
    left: list[Piece] = []
    right: list[Piece] = []
    for same, old, new in _passages(before, after):
        left.append(Piece(mark="same" if same else "del", text=old))
        right.append(Piece(mark="same" if same else "ins", text=new))
    return tuple(_joined(left)), tuple(_joined(right))


def _passages(before: str, after: str) -> Iterator[_Passage]:
    """Compare lines first, and words only inside changed lines, so that a word never matches one far away."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield True, "".join(old[i:j]), "".join(new[k:m])
        else:
            yield from _words("".join(old[i:j]), "".join(new[k:m]))


def _words(before: str, after: str) -> Iterator[_Passage]:
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    matcher = SequenceMatcher(
        None, [word.strip() for word in old], [word.strip() for word in new], autojunk=False
    )
    if len(old) + len(new) > _MOST_WORDS or matcher.ratio() < _ALIKE:
        yield False, before, after
        return
    for tag, i, j, k, m in matcher.get_opcodes():
        yield tag == "equal", "".join(old[i:j]), "".join(new[k:m])


def _joined(pieces: Sequence[Piece]) -> Iterator[Piece]:
    for _, group in groupby((piece for piece in pieces if piece.text), key=lambda piece: piece.mark):
        neighbours = list(group)
        yield Piece(mark=neighbours[0].mark, text="".join(piece.text for piece in neighbours))
