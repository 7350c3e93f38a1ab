"""Two prompts and what differs between them: as lines for a terminal, as marked words for a page."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from typing import Final, Literal

from refork_reports.visible import visible

_WORDS: Final = re.compile(r"\s+|\w+|[^\w\s]")
_MOST_WORDS: Final = 4_000
"""Beyond this, comparing word by word takes seconds: such a passage is marked as a whole."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A stretch of a prompt: in both, only in the one before (``del``), or only in the one after (``ins``)."""

    mark: Literal["same", "del", "ins"]
    text: str


def prompt_diff(current: str, candidate: str, name: str = "candidate") -> list[str]:
    """The unified diff of two prompts as lines for a terminal, control characters spelled out; empty if equal."""
    before, after = visible(current).splitlines(), visible(candidate).splitlines()
    return list(unified_diff(before, after, fromfile="current", tofile=name, lineterm="", n=2))


def marked(before: str, after: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Both prompts in pieces, for two columns: what was taken out on the left, what came in on the right."""
    left: list[Piece] = []
    right: list[Piece] = []
    for piece in _pieces(before, after):
        if piece.mark != "ins":
            left.append(piece)
        if piece.mark != "del":
            right.append(piece)
    return tuple(_joined(left)), tuple(_joined(right))


def _pieces(before: str, after: str) -> Iterator[Piece]:
    """Lines first, words only inside what changed: a word never matches one far away."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Piece(mark="same", text="".join(old[i:j]))
        else:
            yield from _word_pieces("".join(old[i:j]), "".join(new[k:m]))


def _word_pieces(before: str, after: str) -> Iterator[Piece]:
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if len(old) + len(new) > _MOST_WORDS or matcher.ratio() < 0.3:
        yield from _replaced(before, after)
        return
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag == "equal":
            yield Piece(mark="same", text="".join(old[i:j]))
        else:
            yield from _replaced("".join(old[i:j]), "".join(new[k:m]))


def _replaced(before: str, after: str) -> Iterator[Piece]:
    if before:
        yield Piece(mark="del", text=before)
    if after:
        yield Piece(mark="ins", text=after)


def _joined(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Neighbours of one mark as one piece, so that a reader sees phrases and not confetti."""
    waiting: Piece | None = None
    for piece in pieces:
        if waiting is not None and waiting.mark == piece.mark:
            waiting = Piece(mark=piece.mark, text=waiting.text + piece.text)
            continue
        if waiting is not None:
            yield waiting
        waiting = piece
    if waiting is not None:
        yield waiting
