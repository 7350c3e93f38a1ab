"""The positions of text that must be replaced."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

PLACEHOLDER: Final = re.compile(r"<(?:secret:)?[a-z-]+:\d+>")


@dataclass(frozen=True)
class TextSpan:
    """A piece of text, ``text[start:end]``, of a ``kind``. ``sure`` says that its form alone shows this, wherever
    it occurs.
    """

    start: int
    end: int
    kind: str
    sure: bool = True


Finder: TypeAlias = Callable[[str, str], Iterator[TextSpan]]
"""A function that takes a text, and the same text in lower case with every character in its place."""


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A regular expression with a cheap precondition: the text contains one of ``needles``, in any case.

    ``accepts`` makes the final decision about a match. Every repetition has a limit, because a text may be
    hostile.
    """

    kind: str
    regex: re.Pattern[str]
    needles: tuple[str, ...]
    group: int = 0
    sure: bool = True
    accepts: Callable[[str], bool] = bool

    def find(self, text: str, lowered: str) -> Iterator[TextSpan]:
        if not any(needle in lowered for needle in self.needles):
            return
        for match in self.regex.finditer(text):
            start, end = match.span(self.group)
            if start < end and not PLACEHOLDER.search(found := match[self.group]) and self.accepts(found):
                yield TextSpan(start, end, self.kind, self.sure)


def lower(text: str) -> str:
    """Return ``text`` in lower case with unchanged length, because a few letters become two when lowered."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(c if len(c.lower()) > 1 else c.lower() for c in text)


def all_of(patterns: Sequence[Pattern], text: str) -> Iterator[TextSpan]:
    lowered = lower(text)
    for pattern in patterns:
        yield from pattern.find(text, lowered)


def places(text: str, needle: str) -> Iterator[int]:
    """Yield the positions of ``needle``."""
    at = text.find(needle)
    while at >= 0:
        yield at
        at = text.find(needle, at + len(needle))


def words(lowered: str, among: tuple[str, ...]) -> Iterator[re.Match[str]]:
    """Return the positions of these words in a text, the longest word first at each position. Searches only for
    these words.
    """
    present = tuple(word for word in among if word in lowered)
    return any_of(present).finditer(lowered) if present else iter(())


@lru_cache(maxsize=1024)
def any_of(present: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(present, key=len, reverse=True))))


def apart(spans: Sequence[TextSpan]) -> list[TextSpan]:
    """Return the spans in order without overlaps: of two that overlap, the one that begins first or is longer."""
    kept: list[TextSpan] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept
